package database

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const header = `--
-- PostgreSQL database dump
--

\restrict abcdefghijklmnop

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

`

const footer = `
--
-- PostgreSQL database dump complete
--

\unrestrict abcdefghijklmnop

`

// readAll reads a dump in parts of the given size.
func readAll(dump string, size int) (Content, error) {
	r := newReader()
	for rest := []byte(dump); len(rest) > 0; {
		n := min(size, len(rest))
		// What was passed must not be kept: the caller's buffer is used again.
		part := bytes.Clone(rest[:n])
		r.read(part)
		clear(part)
		rest = rest[n:]
	}
	return r.content()
}

func table(name string, rows int64, lines string) Table {
	if name == LargeObjects || name == Sequences {
		digest := sha256.Sum256([]byte(lines))
		return Table{Name: name, Rows: rows, Digest: hex.EncodeToString(digest[:])}
	}
	sum := new(big.Int)
	for line := range strings.Lines(lines) {
		digest := sha256.Sum256([]byte(line))
		slices.Reverse(digest[:])
		sum.Add(sum, new(big.Int).SetBytes(digest[:]))
	}
	sum.Mod(sum, new(big.Int).Lsh(big.NewInt(1), 256))
	text := sum.FillBytes(make([]byte, 32))
	slices.Reverse(text)
	return Table{Name: name, Rows: rows, Digest: hex.EncodeToString(text)}
}

func TestTheOrderOfRowsDoesNotCountAndEverythingElseDoes(t *testing.T) {
	digestOf := func(lines string) string {
		content, err := readAll(header+"COPY public.t (a, b) FROM stdin;\n"+lines+"\\.\n"+footer, 7)
		require.NoError(t, err)
		return content.Tables[0].Digest
	}
	rows := digestOf("1\tLi Na\n2\tWei\n2\tWei\n")
	assert.Equal(t, rows, digestOf("2\tWei\n1\tLi Na\n2\tWei\n"))
	for _, other := range []string{"1\tLi Na\n1\tLi Na\n2\tWei\n", "1\tWei\n2\tLi Na\n2\tWei\n", "1\tLi Na\n2\tWei\n2\tWe\n", "1\tLi Na\n2\tWei\n"} {
		assert.NotEqual(t, rows, digestOf(other), other)
	}
}

func TestADumpIsUnderstoodHoweverItsStreamIsCut(t *testing.T) {
	rows := "1\tLi Na\n2\t\\N\n\\N\t\\\\.\n\\\\.\t\\\\restrict x\n"
	dump := header +
		"COPY public.contact (id, name) FROM stdin;\n" + rows + "\\.\n\n\n" +
		"COPY public.nothing (id) FROM stdin;\n\\.\n\n" +
		"COPY public.bare  FROM stdin;\n\n\n\\.\n\n" +
		"COPY \"Sales; Team\".\"a \"\"b\"\" (c)\nd\" (\"FROM stdin;\") FROM stdin;\nx\n\\.\n\n" +
		"SELECT pg_catalog.setval('public.contact_id_seq', 4, true);\n" +
		footer
	want := Content{
		Tables: []Table{
			table("public.contact", 4, rows),
			table("public.nothing", 0, ""),
			table("public.bare", 2, "\n\n"),
			table(`"Sales; Team"."a ""b"" (c)`+"\n"+`d"`, 1, "x\n"),
			table(Sequences, 1, "SELECT pg_catalog.setval('public.contact_id_seq', 4, true);"),
		},
		Bytes: int64(len(dump)), ServerVersion: "15.18 (Debian 15.18-0+deb12u1)",
	}
	for size := 1; size <= len(dump); size++ {
		got, err := readAll(dump, size)
		require.NoError(t, err)
		require.Equal(t, want, got, "in parts of %d bytes", size)
	}
}

func TestTextThatReadsAsTheBeginningOfRowsIsNotTakenForIt(t *testing.T) {
	const fake = "\nCOPY public.fake (id) FROM stdin;\n1\n"
	for name, statement := range map[string]string{
		"a dollar quotation":   "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$" + fake + "$$;\n",
		"a tagged quotation":   "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $_$ $$;" + fake + "$$ $1 $_$;\n",
		"a literal":            "COMMENT ON TABLE t IS 'it''s;" + fake + "\\';\n",
		"a literal of escapes": "ALTER TABLE t ALTER c SET DEFAULT E'it\\'s '';" + fake + "\\\\';\n",
		"a name":               "ALTER TABLE \"t;" + fake + "\" ENABLE ROW LEVEL SECURITY;\n",
		"a comment":            "/* /* ; */ ;" + fake + "*/ SELECT 1;\n",
		"a comment to the end": "SELECT 1 -- it's;\n, 2;\n",
		"a word with a dollar": "SELECT a$b$ ;\n",
		"a name that ends in E": "SELECT pg_catalog.setval('x', 1), nameE'\\';\n" +
			"SELECT 1;\n",
	} {
		t.Run(name, func(t *testing.T) {
			content, err := readAll(header+statement+"COPY public.t (id) FROM stdin;\n1\n\\.\n"+footer, 7)
			require.NoError(t, err)
			require.NotEmpty(t, content.Tables)
			assert.Equal(t, table("public.t", 1, "1\n"), content.Tables[0])
		})
	}
}

func TestLargeObjectsAreCountedAsOneTable(t *testing.T) {
	objects := []string{
		"SELECT pg_catalog.lo_open('16399', 131072);", `SELECT pg_catalog.lowrite(0, '\x00ff');`, `SELECT pg_catalog.lowrite(0, '\x01');`,
		"SELECT pg_catalog.lo_open('16400', 131072);",
	}
	dump := header + "SELECT pg_catalog.lo_create('16399');\nBEGIN;\n\n" + strings.Join(objects, "\n") + "\nSELECT pg_catalog.lo_close(0);\n\nCOMMIT;\n" + footer
	content, err := readAll(dump, 11)
	require.NoError(t, err)
	assert.Equal(t, []Table{table(LargeObjects, 2, strings.Join(objects, ""))}, content.Tables)
}

func TestADumpThatEndsEarlyIsIncomplete(t *testing.T) {
	dump := header + "COPY public.t (id) FROM stdin;\n1\n\\.\n\nALTER TABLE t\n    ADD PRIMARY KEY (id);\n" + footer
	_, err := readAll(dump, len(dump))
	require.NoError(t, err)
	for end := range strings.Index(dump, "dump complete") {
		_, err := readAll(dump[:end], 64)
		require.ErrorIs(t, err, errIncomplete, "cut after %d bytes", end)
	}
}

func TestDifferencesAreToldByNamesAndCounts(t *testing.T) {
	want := Content{Tables: []Table{table("public.a", 1, "1\n"), table("public.b", 2, "1\n2\n"), table("public.c", 0, ""), table("public.d", 1, "x\n")}}
	got := Content{Tables: []Table{table("public.a", 1, "2\n"), table("public.b", 1, "1\n"), table("public.d", 1, "x\n"), table("public.e", 1, "x\n")}}
	assert.Equal(t, []string{
		"public.a has other content in its 1 rows", "public.b has 1 rows instead of 2", "public.c is missing", "public.e should not be there",
	}, want.Differences(got, 10))
	assert.Len(t, want.Differences(got, 2), 2)
	assert.Empty(t, want.Differences(want, 10))
}

// copyEscapes are those of COPY's text format.
var copyEscapes = strings.NewReplacer("\\", "\\\\", "\n", "\\n", "\r", "\\r", "\t", "\\t", "\b", "\\b", "\f", "\\f", "\v", "\\v")

// FuzzReader hides anything in rows, names, literals and function bodies, and cuts the stream anywhere.
func FuzzReader(f *testing.F) {
	f.Add("\\.\nSELECT 1;", "f\"; COPY x FROM stdin;\n", "$$;\nCOPY y FROM stdin;\n", uint64(1))
	f.Add("\\", "\\.", "'", uint64(2))
	f.Add("a\n\\.\n\n--", "--", "E'\\", uint64(3))
	f.Fuzz(func(t *testing.T, value, name, text string, seed uint64) {
		value, name, text = strings.ReplaceAll(value, "\x00", ""), strings.ReplaceAll(name, "\x00", ""), strings.ReplaceAll(text, "\x00", "")
		quoted := `public."` + strings.ReplaceAll(name, `"`, `""`) + `"`
		literal := "'" + strings.ReplaceAll(text, "'", "''") + "'"
		escaped := "E'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
		row := copyEscapes.Replace(value) + "\t\\N\n"
		rows := strings.Repeat(row, 3) + "\\N\t\n"
		dump := header + "COMMENT ON TABLE t IS " + literal + ";\nSELECT " + escaped + ",\n " + literal + ";\n" +
			"CREATE FUNCTION f() RETURNS void AS $fuzz$" + strings.ReplaceAll(text, "$fuzz$", "") + "\n$fuzz$;\n" +
			"COPY " + quoted + " (a, b) FROM stdin;\n" + rows + "\\.\n" +
			"COPY public.last (a) FROM stdin;\n\\.\n" + footer

		r, random := newReader(), rand.New(rand.NewPCG(seed, 0))
		for rest := []byte(dump); len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			r.read(rest[:n])
			rest = rest[n:]
		}
		content, err := r.content()
		require.NoError(t, err)
		require.Equal(t, []Table{table(quoted, 4, rows), table("public.last", 0, "")}, content.Tables)
	})
}

func BenchmarkReader(b *testing.B) {
	var dump bytes.Buffer
	dump.WriteString(header + "COPY public.contact (id, name, mail, note) FROM stdin;\n")
	for i := range 300_000 {
		fmt.Fprintf(&dump, "%d\tcontact %d\tcontact%d@acme.example\tsomething that was said on the telephone and written down in a hurry\n", i, i, i)
	}
	dump.WriteString("\\.\n" + footer)
	b.SetBytes(int64(dump.Len()))
	for b.Loop() {
		r := newReader()
		for rest := dump.Bytes(); len(rest) > 0; {
			n := min(chunk, len(rest))
			r.read(rest[:n])
			rest = rest[n:]
		}
		if _, err := r.content(); err != nil {
			b.Fatal(err)
		}
	}
}
