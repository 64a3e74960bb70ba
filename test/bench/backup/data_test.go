package backup

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
)

// rowBytes is about how much of a dump a contact with its activities takes.
const rowBytes = 1250

// activitiesEach contact has.
const activitiesEach = 4

// words that notes are made of, picked by a hash so that no two notes are the same.
const words = `array['meeting','called','offer','price','delivery','contract','invoice','renewal','Shanghai','Beijing','customer','asked','about',
'the','new','product','and','wants','a','discount','before','end','of','quarter','follow','up','next','week','with','manager','decision','budget',
'approved','waiting','for','technical','answer','sent','brochure','demo','scheduled','complaint','resolved','partner','introduced','by','colleague']`

// sentences that notes are put together from. Picked by hashes, so that no two notes are the same.
const sentences = 50000

// schema is a small CRM: people, what was done with them, and what may come of it.
var schema = []string{
	fmt.Sprintf(`create temporary table sentence as select n, (select string_agg((`+words+`)[1 + abs(hashint8(n * 100 + i)) %% 46], ' ')
		from generate_series(1, 10) i) as text from generate_series(0, %d) n`, sentences-1),
	"alter table sentence add primary key (n)", "analyze sentence",
	`create table contact (id bigint primary key, name text, mail text, phone text, city text, created timestamptz, note text)`,
	`create table activity (id bigint primary key, contact bigint, kind text, at timestamptz, subject text, body text)`,
	`create table opportunity (id bigint primary key, contact bigint, stage text, amount numeric(12,2), closes date)`,
}

// pick joins the sentence that a row has at a place, as the table of that name.
func pick(name string, place int) string {
	return fmt.Sprintf(" join sentence %s on %s.n = abs(hashint8(i * 10 + %d)) %% %d", name, name, place, sentences)
}

// fill makes the database about that large, as a dump, and puts so many bytes into files.
func fill(b *testing.B, w *backuptest.World, bytes, files int64) {
	b.Helper()
	contacts := bytes / rowBytes
	w.Database.Execute(b, append(slices.Clone(schema),
		fmt.Sprintf(`insert into contact select i, 'Contact ' || md5(i::text), md5((i * 3)::text) || '@acme.example', '+86 ' || abs(hashint8(i)),
			(array['Shanghai','Beijing','Shenzhen','Chengdu'])[1 + i %% 4], timestamptz '2020-01-01' + i * interval '1 minute', a.text
			from generate_series(1, %d) i`, contacts)+pick("a", 0)+" order by i",
		fmt.Sprintf(`insert into activity select i, 1 + i / %d, (array['call','mail','visit'])[1 + i %% 3], timestamptz '2020-01-01' + i * interval '20 seconds',
			left(a.text, 40), b.text || '. ' || c.text || '. ' || d.text || '.' from generate_series(1, %d) i`, activitiesEach, contacts*activitiesEach)+
			pick("a", 1)+pick("b", 2)+pick("c", 3)+pick("d", 4)+" order by i",
		fmt.Sprintf(`insert into opportunity select i, i, 'open', abs(hashint8(i)) / 100.0, date '2026-01-01' + (i %% 365)::int from generate_series(1, %d) i`, contacts),
		"alter table contact add unique (mail)", "create index on activity (contact)", "vacuum analyze")...)
	folder := filepath.Join(w.VolumesDir, backuptest.Volume)
	for i := 0; files > 0; i++ {
		// Attachments are mostly compressed by themselves.
		content := make([]byte, min(files, int64(50<<10+(i%20)*50<<10)))
		_, err := rand.Read(content)
		require.NoError(b, err)
		sub := filepath.Join(folder, fmt.Sprintf("%02x", i%64))
		require.NoError(b, os.MkdirAll(sub, 0o700))
		require.NoError(b, os.WriteFile(filepath.Join(sub, fmt.Sprintf("%06d.pdf", i)), content, 0o600))
		files -= int64(len(content))
	}
}

// changes of 1 % of all rows between two backups.
var changes = []struct{ name, sql string }{
	{"the newest 1 % of the rows", `do $$ begin
		update contact set note = note || ' called again' where id > (select max(id) * 99 / 100 from contact);
		update activity set body = body || ' done' where id > (select max(id) * 99 / 100 from activity);
		update opportunity set stage = 'won' where id > (select max(id) * 99 / 100 from opportunity); end $$`},
	{"1 % of the rows, anywhere", `do $$ begin
		update contact set note = note || ' called again' where id % 100 = 7;
		update activity set body = body || ' done' where id % 100 = 7;
		update opportunity set stage = 'lost' where id % 100 = 7; end $$`},
}
