// Package tutorial makes a script of a page whose commands people type, so that a test can type them, and compares what comes of it
// with what the page shows.
//
// The blocks marked as sh are the script. A block of text after one is what it prints, with "…" for what differs. A comment on the
// line before a block says what is special about it:
//
//	<!-- not run: REASON -->   a test cannot run it, or must not
//	<!-- each is refused -->   every line is a command that must fail
//	<!-- file: NAME -->        the reader writes the block into a file
package tutorial

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Page is what is to be done, in order.
type Page struct {
	// Files that the reader writes, by name.
	Files map[string]string
	Steps []Step
}

// Step is one block of commands.
type Step struct {
	// Line of the page at which the commands begin.
	Line     int
	Commands []string
	// NotRun is why no script has the step.
	NotRun string
	// Refused says that each command must fail.
	Refused bool
	// Shown are the lines that the page says the commands print.
	Shown []string
}

var (
	comment = regexp.MustCompile(`^<!-- ([^:]*?)(?:: *(.*?))? *-->$`)
	opening = regexp.MustCompile("^```([a-z]+)$")
)

const closing = "```"

// Marks of blocks.
const (
	markNotRun  = "not run"
	markRefused = "each is refused"
	markFile    = "file"
)

// block is what stands between two fences, with the comment before it.
type block struct {
	line           int
	language       string
	mark, argument string
	content        []string
}

// Parse reads a page. It refuses marks that are unknown, in the wrong place or without reason: they would be passed over unseen.
func Parse(text string) (*Page, error) {
	blocks, err := blocksOf(strings.Split(text, "\n"))
	if err != nil {
		return nil, err
	}
	page := &Page{Files: map[string]string{}}
	for _, b := range blocks {
		if err := page.add(b); err != nil {
			return nil, fmt.Errorf("line %d: %w", b.line, err)
		}
	}
	return page, nil
}

func blocksOf(lines []string) ([]block, error) {
	var blocks []block
	for i := 0; i < len(lines); i++ {
		begin := opening.FindStringSubmatch(lines[i])
		if begin == nil {
			continue
		}
		b := block{line: i + 2, language: begin[1]}
		if i > 0 && (strings.HasPrefix(lines[i-1], "<!--") || strings.HasSuffix(lines[i-1], "-->")) {
			found := comment.FindStringSubmatch(lines[i-1])
			if found == nil {
				return nil, fmt.Errorf("line %d: not a mark: %s", i, lines[i-1])
			}
			b.mark, b.argument = found[1], found[2]
		}
		for i++; i < len(lines) && lines[i] != closing; i++ {
			b.content = append(b.content, lines[i])
		}
		if i == len(lines) {
			return nil, fmt.Errorf("line %d: the block has no end", b.line)
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

func (p *Page) add(b block) error {
	switch b.language {
	case "sh":
		return p.addStep(b)
	case "text":
		if len(p.Steps) == 0 || b.mark != "" {
			return errors.New("a block of text shows what the commands before it print, and has no mark")
		}
		last := &p.Steps[len(p.Steps)-1]
		last.Shown = append(last.Shown, b.content...)
		return nil
	}
	switch {
	case b.mark == "":
		return nil
	case b.mark != markFile || b.argument == "":
		return fmt.Errorf("a block of %s may have the mark %q with a name, not %q", b.language, markFile, b.mark)
	}
	p.Files[b.argument] = strings.Join(b.content, "\n") + "\n"
	return nil
}

func (p *Page) addStep(b block) error {
	step := Step{Line: b.line, Commands: b.content}
	switch b.mark {
	case "":
	case markNotRun:
		if b.argument == "" {
			return fmt.Errorf("no reason is given for %q", markNotRun)
		}
		step.NotRun = b.argument
	case markRefused:
		step.Refused = true
	default:
		return fmt.Errorf("commands may have the marks %q and %q, not %q", markNotRun, markRefused, b.mark)
	}
	p.Steps = append(p.Steps, step)
	return nil
}

// heading stands before what a step prints, so that it can be found again.
func (s *Step) heading() string { return fmt.Sprintf("### line %d", s.Line) }

// Script is one for bash, which ends at the first command that does not do as the page says.
func (p *Page) Script() string {
	var out strings.Builder
	out.WriteString("set -euo pipefail\n")
	for i := range p.Steps {
		step := &p.Steps[i]
		if step.NotRun != "" {
			continue
		}
		fmt.Fprintf(&out, "echo '%s'\n", step.heading())
		for j, command := range step.Commands {
			if step.Refused && command != "" {
				command = fmt.Sprintf("if %s; then echo 'line %d: it was not refused'; exit 1; fi", command, step.Line+j)
			}
			out.WriteString(command + "\n")
		}
	}
	return out.String()
}

// Check compares what the script has printed, errors included, with what the page shows: each line of it must be there, in its order.
func (p *Page) Check(output string) error {
	for i := range p.Steps {
		step := &p.Steps[i]
		if step.NotRun != "" {
			continue
		}
		_, printed, found := strings.Cut(output, step.heading()+"\n")
		if !found {
			return fmt.Errorf("line %d was not reached", step.Line)
		}
		printed, _, _ = strings.Cut("\n"+printed, "\n### line ")
		if missing := firstMissing(step.Shown, strings.Split(printed, "\n")); missing != "" {
			return fmt.Errorf("line %d: the page shows\n\t%s\nand the commands print%s", step.Line, missing, printed)
		}
	}
	return nil
}

// firstMissing line of what is shown that is not printed after those before it.
func firstMissing(shown, printed []string) string {
	next := 0
	for _, line := range shown {
		if spaced(line) == "" || spaced(line) == "…" {
			continue
		}
		wanted := pattern(line)
		for next < len(printed) && !wanted.MatchString(spaced(printed[next])) {
			next++
		}
		if next == len(printed) {
			return line
		}
		next++
	}
	return ""
}

func pattern(line string) *regexp.Regexp {
	parts := strings.Split(spaced(line), "…")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
}

// spaced has one space wherever there are some: how wide a column is depends on what else is in it.
func spaced(line string) string { return strings.Join(strings.Fields(line), " ") }
