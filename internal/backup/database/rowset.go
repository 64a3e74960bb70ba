package database

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math/bits"
)

// rowSet counts and digests the rows of a table. Their order does not count: Postgres puts a row into a gap of an earlier page when it
// fits, so a table that was loaded from a dump may well come out in another order.
type rowSet struct {
	name string
	rows int64
	// cut digests the line that is being read and began in an earlier part of the dump.
	cut   hash.Hash
	isCut bool
	// sum of the digests of all lines, modulo 2^256, the lowest part first.
	sum [sha256.Size / 8]uint64
}

func newRowSet(name string) *rowSet { return &rowSet{name: name, cut: sha256.New()} }

// read takes the next part of the rows, however it is cut.
func (s *rowSet) read(p []byte) {
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n') + 1
		if end == 0 {
			_, _ = s.cut.Write(p) // a hash takes everything
			s.isCut = true
			return
		}
		s.add(s.digest(p[:end]))
		s.rows, p = s.rows+1, p[end:]
	}
}

// digest of the line that ends so.
func (s *rowSet) digest(end []byte) [sha256.Size]byte {
	if !s.isCut {
		return sha256.Sum256(end)
	}
	var digest [sha256.Size]byte
	_, _ = s.cut.Write(end) // as above
	s.cut.Sum(digest[:0])
	s.cut.Reset()
	s.isCut = false
	return digest
}

func (s *rowSet) add(digest [sha256.Size]byte) {
	var carry uint64
	for i := range s.sum {
		s.sum[i], carry = bits.Add64(s.sum[i], binary.LittleEndian.Uint64(digest[8*i:]), carry)
	}
}

func (s *rowSet) table() Table {
	var sum []byte
	for _, part := range s.sum {
		sum = binary.LittleEndian.AppendUint64(sum, part)
	}
	return Table{Name: s.name, Rows: s.rows, Digest: hex.EncodeToString(sum)}
}
