// Command scan looks for secret values in files and folders, in every form that such values take: as they are, in hexadecimal, in
// base64 of both alphabets, and as part of a longer base64 text. It never prints a value.
//
//	scan PATH... <<< '{"present": {"PATH": "BASE64"}, "absent": {"NAME": "BASE64"}}'
//
// It fails when an absent value is found, and when a path does not hold what is surely there: a search that does not find that proves nothing.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// request is what to look for.
type request struct {
	// Present is what each path holds for sure.
	Present map[string][]byte `json:"present"`
	Absent  map[string][]byte `json:"absent"`
}

func main() {
	if err := run(os.Stdin, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "scan:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, paths []string) error {
	var wanted request
	if err := json.NewDecoder(in).Decode(&wanted); err != nil {
		return errors.New("standard input is not a request") // the cause would quote a value
	}
	s := scan{found: map[string][]string{}, forms: map[string][][]byte{}}
	for name, value := range wanted.Absent {
		if len(value) < shortest {
			return fmt.Errorf("the %s has %d bytes: too few to look for", name, len(value))
		}
		s.forms[name] = forms(value)
	}
	for _, path := range paths {
		if s.canary = wanted.Present[path]; len(s.canary) < shortest {
			return fmt.Errorf("nothing to prove that %s is searched", path)
		}
		s.canaryFound = false
		if err := filepath.WalkDir(path, s.visit); err != nil { //nolint:gosec // the paths are the caller's
			return err
		}
		if !s.canaryFound {
			return fmt.Errorf("what %s holds for sure is not found: the search does not work", path)
		}
	}
	return s.report(out, wanted)
}

// scan is a search under way.
type scan struct {
	forms map[string][][]byte
	// found lists the files in which each value was found.
	found map[string][]string
	// canary is what the path holds for sure that is searched now.
	canary      []byte
	canaryFound bool

	files int
	bytes int64
}

func (s *scan) visit(path string, entry fs.DirEntry, err error) error {
	if errors.Is(err, fs.ErrNotExist) && entry != nil { // A path itself has no entry then.
		return nil // logs are rotated while they are read
	}
	if err != nil || !entry.Type().IsRegular() {
		return err
	}
	content, err := os.ReadFile(path) //nolint:gosec // the paths are the caller's
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	s.files++
	s.bytes += int64(len(content))
	s.canaryFound = s.canaryFound || bytes.Contains(content, s.canary)
	for name, forms := range s.forms {
		if slices.ContainsFunc(forms, func(form []byte) bool { return bytes.Contains(content, form) }) {
			s.found[name] = append(s.found[name], path)
		}
	}
	return nil
}

func (s *scan) report(out io.Writer, wanted request) error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(wanted.Absent)) {
		if places := s.found[name]; len(places) > 0 {
			problems = append(problems, fmt.Errorf("the %s is in %q", name, places))
			continue
		}
		_, _ = fmt.Fprintf(out, "    ✓ the %s, in %d forms, is in none of %d files (%d MB)\n", name, len(s.forms[name]), s.files, s.bytes>>20)
	}
	return errors.Join(problems...)
}
