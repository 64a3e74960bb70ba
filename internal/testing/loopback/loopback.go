// Package loopback finds addresses for the servers of tests.
package loopback

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Address is one, such as 127.70.3.9:40001, that stays free until the test's server listens, however long that takes: each call gives another
// host, from and on which nobody else connects or listens.
func Address(t testing.TB) string {
	t.Helper()
	address, err := Find()
	if err != nil {
		t.Fatalf("find a free address: %v", err)
	}
	return address
}

// Find is Address where there is no test.
func Find() (string, error) {
	host := fmt.Sprintf("127.%d.%d.%d", 64+rand.IntN(64), rand.IntN(256), 1+rand.IntN(254))
	listener, err := net.Listen("tcp", host+":0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
