package restic

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Listed is a snapshot as the repository lists it.
type Listed struct {
	ID   string   `json:"id"`
	Tags []string `json:"tags"`
}

// Snapshots that have the tag; an empty one stands for all.
func (r Repository) Snapshots(ctx context.Context, tag string) ([]Listed, error) {
	arguments := []string{"snapshots", "--no-lock"}
	if tag != "" {
		arguments = append(arguments, "--tag="+tag)
	}
	var out strings.Builder
	if err := r.run(ctx, &out, arguments...); err != nil {
		return nil, err
	}
	var all []Listed
	if err := json.Unmarshal([]byte(out.String()), &all); err != nil {
		return nil, fmt.Errorf("restic's list of snapshots: %w", err)
	}
	return all, nil
}

// Dump writes a file of a snapshot to to.
func (r Repository) Dump(ctx context.Context, snapshot, filename string, to io.Writer) error {
	return r.run(ctx, to, "dump", "--no-lock", snapshot, "/"+filename)
}

// Restore puts a snapshot's files into a folder, which gets exactly these: what else is in it is removed.
func (r Repository) Restore(ctx context.Context, snapshot, folder string, progress func(bytes int64)) error {
	out := &lines{handle: func(line []byte) {
		var m struct {
			Type  string `json:"message_type"`
			Bytes int64  `json:"bytes_restored"`
		}
		if json.Unmarshal(line, &m) == nil && m.Type == "status" && progress != nil {
			progress(m.Bytes)
		}
	}}
	return r.run(ctx, out, "restore", "--no-lock", "--delete", "--target="+folder, snapshot)
}

// maxProblems that a check tells.
const maxProblems = 10

// hint matches what restic says to its users beside the problems.
var hint = regexp.MustCompile(`(?i)^\s*(restic repair|the repository contains|damaged pack files can|the repository index is damaged)`)

// Check looks for damage in the repository's structure, and in as much of its data as readData says: "1/7", "5%", "1G", "100%". Empty:
// none. It gives what it found; an error says that it could not look.
func (r Repository) Check(ctx context.Context, readData string) ([]string, error) {
	arguments := []string{"check", "--no-lock"}
	if readData != "" {
		arguments = append(arguments, "--read-data-subset="+readData)
	}
	var problems []string
	finished, faults := false, int64(0)
	cmd := r.command(ctx, arguments...)
	said := &tail{}
	cmd.Stdout = &lines{handle: func(line []byte) {
		var summary struct {
			Type   string `json:"message_type"`
			Errors int64  `json:"num_errors"`
		}
		if json.Unmarshal(line, &summary) == nil && summary.Type == "summary" {
			finished, faults = true, summary.Errors
		}
	}}
	cmd.Stderr = io.MultiWriter(said, &lines{handle: func(line []byte) {
		if problem := problemOf(line); problem != "" && len(problems) < maxProblems {
			problems = append(problems, problem)
		}
	}})
	err := explain(ctx, cmd.Run(), said)
	if err == nil {
		return nil, nil
	}
	if (!finished || faults == 0) && !IsCause(err, Damaged) {
		return nil, err
	}
	if len(problems) == 0 {
		problems = []string{err.Error()}
	}
	return problems, nil
}

func problemOf(line []byte) string {
	var m struct {
		Type    string `json:"message_type"`
		Message string `json:"message"`
	}
	if json.Unmarshal(line, &m) != nil || m.Type != "error" || hint.MatchString(m.Message) {
		return ""
	}
	problem := strings.ToValidUTF8(strings.TrimSpace(m.Message), "")
	if len(problem) > maxMessage {
		problem = strings.ToValidUTF8(problem[:maxMessage], "") + "…"
	}
	return problem
}
