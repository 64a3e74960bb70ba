package controllers

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestATenantWhoseCRMsAnswerWithoutEndLeavesRoomToOthers(t *testing.T) {
	var r readings
	full := bytes.Repeat([]byte("x"), 1<<20)
	// as is how many times as much one pass can read.
	as := func(pass *reading) (times int) {
		for pass.add(full) {
			times++
		}
		return times
	}
	first, second, other := r.begin("crm-acme"), r.begin("crm-acme"), r.begin("crm-globex")
	assert.Equal(t, (readingFree+readingShare)>>20, as(first))
	assert.Equal(t, readingFree>>20, as(second), "there is a little for each")
	assert.Equal(t, (readingFree+readingShare)>>20, as(other))
	for _, pass := range []*reading{first, second, other} {
		pass.end()
	}
	again := r.begin("crm-acme")
	assert.Equal(t, (readingFree+readingShare)>>20, as(again), "the room is given back")
	again.end()
	assert.Zero(t, r.all)
	assert.Empty(t, r.taken)
}

func TestAPassThatReadsLittleLeavesNothing(t *testing.T) {
	var r readings
	pass := r.begin("crm-acme")
	assert.True(t, pass.add([]byte("{}")))
	pass.end()
	assert.Zero(t, r.all)
	assert.Empty(t, r.taken)
}

func TestShortValuesCountForWhatTheyBecome(t *testing.T) {
	var r readings
	pass := r.begin("crm-acme")
	assert.False(t, pass.add([]byte(strings.Repeat("0,", (readingFree+readingShare)/readingValue))))
}
