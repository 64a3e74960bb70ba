package database

import "bytes"

// lexer splits the SQL of a dump into statements. It works on whole lines, since pg_dump ends each statement with one.
type lexer struct {
	// next is told of each statement, and comment of each comment that has a line of its own. Neither may keep the text.
	next, comment func(text []byte)
	// line and text are the parts of a line and of a statement whose ends are still to come.
	line, text []byte
	// quoting is the quotation that the next line begins in.
	quoting quotation
}

// quotation is what hides semicolons. The zero value hides nothing.
type quotation struct {
	kind quotationKind
	// end of a dollar quotation, with both of its dollars.
	end []byte
	// depth of a block comment: they nest.
	depth int
}

type quotationKind int

const (
	none quotationKind = iota
	identifier
	literal       // 'it''s'
	escapeLiteral // E'it\'s'
	dollar        // $$it's$$
	blockComment
)

// read takes the first line of p and returns the rest.
func (l *lexer) read(p []byte) []byte {
	end := bytes.IndexByte(p, '\n') + 1
	if end == 0 {
		l.line = append(l.line, p...)
		return nil
	}
	line := p[:end]
	if len(l.line) > 0 {
		l.line = append(l.line, line...)
		line = l.line
	}
	l.scan(line)
	l.line = l.line[:0]
	return p[end:]
}

// inside tells whether a line or a statement has not ended.
func (l *lexer) inside() bool { return len(l.line) > 0 || len(l.text) > 0 || l.quoting.kind != none }

func (l *lexer) scan(line []byte) {
	if l.quoting.kind == none && len(l.text) == 0 && l.standsAlone(line) {
		return
	}
	start := 0
	for i := 0; i < len(line); {
		switch {
		case l.quoting.kind != none:
			i = l.quoting.skip(line, i)
		case line[i] == ';':
			l.text = append(l.text, line[start:i+1]...)
			l.next(bytes.TrimSpace(l.text))
			l.text, i = l.text[:0], i+1
			start = i
		case bytes.HasPrefix(line[i:], lineComment):
			i = len(line)
		default:
			i = l.quoting.open(line, i)
		}
	}
	if rest := line[start:]; len(l.text) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		l.text = append(l.text, rest...)
	}
}

var lineComment = []byte("--")

// standsAlone takes a line between statements that belongs to none: a comment, a command of psql, or nothing.
func (l *lexer) standsAlone(line []byte) bool {
	if bytes.HasPrefix(line, lineComment) {
		l.comment(line[:len(line)-1])
		return true
	}
	return line[0] == '\\' || len(line) == 1
}

// open looks at the token at i, outside of any quotation, and returns where to go on.
func (q *quotation) open(line []byte, i int) int {
	switch line[i] {
	case '"':
		q.kind = identifier
	case '\'':
		q.kind = literal
		if hasEscapes(line[:i]) {
			q.kind = escapeLiteral
		}
	case '/':
		if bytes.HasPrefix(line[i:], []byte("/*")) {
			q.kind, q.depth = blockComment, 1
			return i + 2
		}
	case '$':
		if end := dollarTag(line[i:]); end != nil && (i == 0 || !inWord(line[i-1])) {
			q.kind, q.end = dollar, bytes.Clone(end)
			return i + len(end)
		}
	}
	return i + 1
}

// hasEscapes tells from what stands before a literal whether it has a backslash mean something: E'…'.
func hasEscapes(before []byte) bool {
	last := len(before) - 1
	return last >= 0 && (before[last] == 'E' || before[last] == 'e') && (last == 0 || !inWord(before[last-1]))
}

// skip goes to the end of the quotation or of the line, whatever comes first, and returns where to go on. A doubled quotation mark
// ends a quotation and begins the next.
func (q *quotation) skip(line []byte, i int) int {
	var length int
	switch q.kind {
	case identifier:
		length = bytes.IndexByte(line[i:], '"') + 1
	case literal:
		length = bytes.IndexByte(line[i:], '\'') + 1
	case escapeLiteral:
		return q.skipEscapes(line, i)
	case blockComment:
		return q.skipComment(line, i)
	case dollar:
		if at := bytes.Index(line[i:], q.end); at >= 0 {
			length = at + len(q.end)
		}
	}
	if length == 0 {
		return len(line)
	}
	*q = quotation{}
	return i + length
}

func (q *quotation) skipEscapes(line []byte, i int) int {
	for ; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '\'':
			if i+1 < len(line) && line[i+1] == '\'' {
				i++
				continue
			}
			*q = quotation{}
			return i + 1
		}
	}
	return len(line)
}

func (q *quotation) skipComment(line []byte, i int) int {
	for ; i+1 < len(line); i++ {
		switch string(line[i : i+2]) {
		case "/*":
			q.depth++
			i++
		case "*/":
			q.depth--
			i++
		}
		if q.depth == 0 {
			*q = quotation{}
			return i + 1
		}
	}
	return len(line)
}

// dollarTag is the `$tag$` that text begins with, nil when it begins with none.
func dollarTag(text []byte) []byte {
	end := bytes.IndexByte(text[1:], '$') + 1
	if end == 0 || len(text) > 1 && text[1] >= '0' && text[1] <= '9' {
		return nil
	}
	for _, b := range text[1:end] {
		if !inWord(b) {
			return nil
		}
	}
	return text[:end+1]
}

// inWord tells whether a name may go on with b.
func inWord(b byte) bool {
	return b == '_' || b == '$' || b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b >= 0x80
}
