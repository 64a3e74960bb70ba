package main

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// The wall clock is off by as many seconds as the test writes into a file. The memory is shared through it, so that a step takes effect at once,
// as one of a machine's clock does.
func init() {
	file, err := os.Open(os.Getenv("CRMKEEP_TEST_CLOCK"))
	if err != nil {
		panic(err)
	}
	memory, err := syscall.Mmap(int(file.Fd()), 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	time.StepBy((*atomic.Int64)(unsafe.Pointer(&memory[0])))
}
