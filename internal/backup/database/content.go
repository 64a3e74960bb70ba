package database

import "fmt"

// Names of the Tables of a Content that are not tables. Those of tables have a dot in them, so none can be mistaken for another.
const (
	LargeObjects = "large objects"
	Sequences    = "sequences"
)

// Content is what a dump holds, counted and digested while it streamed.
type Content struct {
	// Tables in the order of the dump, which is the same for the same database, then LargeObjects and Sequences when there are any.
	Tables []Table `json:"tables"`
	// Bytes of the whole dump.
	Bytes int64 `json:"bytes"`
	// DatabaseBytes is what the database took on its server's disk, indexes included.
	DatabaseBytes int64 `json:"databaseBytes"`
	// ServerVersion that the dump was made from, as the server tells it: "15.18 (Debian 15.18-0+deb12u1)".
	ServerVersion string `json:"serverVersion"`
}

// Table is what a dump holds of one table.
type Table struct {
	// Name with its schema, quoted as in the dump: `public.contact`, `public."Order"`.
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// Digest, in hexadecimal, is the sum modulo 2^256 of the SHA-256 of each of the table's lines in the dump, in whatever order they are; both
	// as numbers with the lowest byte first. Of what is no table it is the SHA-256 of all its statements.
	Digest string `json:"digest"`
}

// Rows of all tables.
func (c Content) Rows() int64 {
	var rows int64
	for _, table := range c.Tables {
		rows += table.Rows
	}
	return rows
}

// Differences says in what the tables of got differ from those of c: by names and counts only, at most limit of them.
func (c Content) Differences(got Content, limit int) []string {
	left := map[string]Table{}
	for _, table := range got.Tables {
		left[table.Name] = table
	}
	var differences []string
	for _, want := range c.Tables {
		table, ok := left[want.Name]
		delete(left, want.Name)
		switch {
		case !ok:
			differences = append(differences, fmt.Sprintf("%s is missing", want.Name))
		case table.Rows != want.Rows:
			differences = append(differences, fmt.Sprintf("%s has %d rows instead of %d", want.Name, table.Rows, want.Rows))
		case table.Digest != want.Digest:
			differences = append(differences, fmt.Sprintf("%s has other content in its %d rows", want.Name, want.Rows))
		}
	}
	for _, table := range got.Tables {
		if _, ok := left[table.Name]; ok {
			differences = append(differences, fmt.Sprintf("%s should not be there", table.Name))
		}
	}
	return differences[:min(len(differences), limit)]
}
