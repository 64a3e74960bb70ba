package database

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"strings"
)

// endOfData is the line that ends the rows of a COPY. No row can look like it: COPY writes a backslash as two.
const endOfData = "\\.\n"

// reader reads a dump as it streams past. It takes the rows of COPY blocks as lines, and of everything else it understands as much as
// is needed to know where a statement begins and ends: a function may well have "COPY t FROM stdin;" in its text.
type reader struct {
	statements lexer
	tables     []Table
	// largeObjects and sequences gather what is not in COPY blocks.
	largeObjects, sequences *tally
	// current is the table whose rows are being read, nil between blocks.
	current *rowSet
	// matched is how much of endOfData the line that is being read began with, -1 within a line that is a row.
	matched int
	bytes   int64
	version string
	ended   bool
}

// tally counts and digests what is not in tables, in the order of the dump.
type tally struct {
	name string
	rows int64
	hash hash.Hash
}

func newTally(name string) *tally { return &tally{name: name, hash: sha256.New()} }

func (t *tally) write(p []byte) { _, _ = t.hash.Write(p) } // a hash takes everything

func (t *tally) table() Table {
	return Table{Name: t.name, Rows: t.rows, Digest: hex.EncodeToString(t.hash.Sum(nil))}
}

func newReader() *reader {
	r := &reader{largeObjects: newTally(LargeObjects), sequences: newTally(Sequences)}
	r.statements.next = r.statement
	r.statements.comment = r.comment
	return r
}

// read takes the next part of the dump, however it is cut.
func (r *reader) read(p []byte) {
	r.bytes += int64(len(p))
	for len(p) > 0 {
		if r.current != nil {
			p = r.rows(p)
		} else {
			p = r.statements.read(p)
		}
	}
}

// rows takes rows up to the end of the block and returns what comes after it.
func (r *reader) rows(p []byte) []byte {
	for len(p) > 0 {
		if r.matched >= 0 {
			if p = r.lineStart(p); r.current == nil {
				return p
			}
			continue
		}
		// Only a line that begins with a backslash may be the last, so all lines before the next such are taken at once.
		end := bytes.Index(p, []byte("\n\\"))
		if end < 0 {
			r.current.read(p)
			if p[len(p)-1] == '\n' {
				r.matched = 0
			}
			return nil
		}
		r.current.read(p[:end+1])
		r.matched, p = 0, p[end+1:]
	}
	return p
}

// lineStart compares the beginning of a line with endOfData.
func (r *reader) lineStart(p []byte) []byte {
	for len(p) > 0 && r.matched < len(endOfData) && p[0] == endOfData[r.matched] {
		r.matched, p = r.matched+1, p[1:]
	}
	switch {
	case r.matched == len(endOfData):
		r.tables = append(r.tables, r.current.table())
		r.current = nil
	case len(p) > 0:
		r.current.read([]byte(endOfData[:r.matched]))
		r.matched = -1
	}
	return p
}

// Beginnings of the statements that matter, as pg_dump writes them.
var (
	copyStart     = []byte("COPY ")
	copyEnd       = []byte(" FROM stdin;")
	setSequence   = []byte("SELECT pg_catalog.setval(")
	openObject    = []byte("SELECT pg_catalog.lo_open(")
	writeObject   = []byte("SELECT pg_catalog.lowrite(")
	versionPrefix = []byte("-- Dumped from database version ")
	lastComment   = []byte("-- PostgreSQL database dump complete")
)

// statement is told of each statement when it is complete.
func (r *reader) statement(text []byte) {
	switch {
	case bytes.HasPrefix(text, copyStart) && bytes.HasSuffix(text, copyEnd):
		r.current, r.matched = newRowSet(tableName(text[len(copyStart):])), 0
	case bytes.HasPrefix(text, setSequence):
		r.sequences.rows++
		r.sequences.write(text)
	case bytes.HasPrefix(text, openObject):
		r.largeObjects.rows++
		r.largeObjects.write(text)
	case bytes.HasPrefix(text, writeObject):
		r.largeObjects.write(text)
	}
}

func (r *reader) comment(text []byte) {
	if version, ok := bytes.CutPrefix(text, versionPrefix); ok && r.version == "" {
		r.version = string(version)
	}
	r.ended = r.ended || bytes.Equal(text, lastComment)
}

// tableName is what stands before the columns: `public."Order Line" (id, name) FROM stdin;` or, without columns, `public.t  FROM stdin;`.
func tableName(rest []byte) string {
	quoted := false
	for i, b := range rest {
		if b == '"' {
			quoted = !quoted
		}
		if b == ' ' && !quoted {
			return string(rest[:i])
		}
	}
	return string(rest)
}

var errIncomplete = errors.New("the dump is incomplete")

// content is what was read, once the dump has ended.
func (r *reader) content() (Content, error) {
	if r.current != nil || r.statements.inside() || !r.ended {
		return Content{}, errIncomplete
	}
	content := Content{Tables: r.tables, Bytes: r.bytes, ServerVersion: strings.TrimSpace(r.version)}
	for _, other := range []*tally{r.largeObjects, r.sequences} {
		if other.rows > 0 {
			content.Tables = append(content.Tables, other.table())
		}
	}
	return content, nil
}
