// Package trytonsim is a simulated Tryton 6.0 for tests: it speaks the part of its JSON-RPC that role policies use, keeps what is written to it, and
// fails when it is told to. It starts as a Tryton does after its first migration; a test beside the adapter for the real one holds the two together.
//
// It does not decide what people may do: everybody who is logged in may call everything. What the rights of a real Tryton mean is
// tested with one.
package trytonsim
