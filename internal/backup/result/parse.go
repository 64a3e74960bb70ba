package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Bounds of what is believed of a run.
const (
	// MaxLength of a termination message, in bytes, which is Kubernetes' own.
	MaxLength = 4096
	// maxText is the longest message, in characters; more is cut.
	maxText     = 500
	maxItems    = 8
	maxProgress = int64(1) << 60
)

var (
	reasonPattern   = regexp.MustCompile(`^[A-Z][A-Za-z]{1,39}$`)
	digestPattern   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	snapshotPattern = regexp.MustCompile(`^[0-9a-f]{8,64}$`)
	stagePattern    = regexp.MustCompile(`^[A-Z][A-Za-z]{1,39}$`)
)

// ParseResult reads the termination message of a run that was told of these locations. Whoever may write to the pod may have written
// anything: what does not fit is refused, and texts come back as one short line of printable characters.
func ParseResult(message string, locations []string) (Result, error) {
	var r Result
	if len(message) > MaxLength {
		return Result{}, errors.New("the run's message is too long")
	}
	if err := strict(message, &r); err != nil {
		return Result{}, errors.New("the run's message is not the JSON that is expected")
	}
	if r.Reason != "" && !reasonPattern.MatchString(r.Reason) {
		return Result{}, errors.New("the run's reason is not a word")
	}
	if r.ManifestDigest != "" && !digestPattern.MatchString(r.ManifestDigest) {
		return Result{}, errors.New("the digest of the manifest is not SHA-256")
	}
	for _, n := range []int64{r.KeyVersion, r.Tables, r.Rows, r.Bytes} {
		if n < 0 || n > maxProgress {
			return Result{}, errors.New("a figure is out of range")
		}
	}
	r.Message = Line(r.Message)
	return r, checkLocations(r.Locations, locations)
}

func checkLocations(found []Location, known []string) error {
	seen := map[string]bool{}
	for i := range found {
		l := &found[i]
		switch {
		case !slices.Contains(known, l.Name) || seen[l.Name]:
			return errors.New("a location is named that was not asked for")
		case l.BytesAdded < 0 || l.BytesAdded > maxProgress:
			return fmt.Errorf("location %s: a figure is out of range", l.Name)
		case len(l.Snapshots) > maxItems || len(l.Problems) > maxItems:
			return fmt.Errorf("location %s: too much is told", l.Name)
		}
		for _, s := range l.Snapshots {
			if !snapshotPattern.MatchString(s) {
				return fmt.Errorf("location %s: what is told as a snapshot is none", l.Name)
			}
		}
		seen[l.Name], l.Message = true, Line(l.Message)
		for p := range l.Problems {
			l.Problems[p] = Line(l.Problems[p])
		}
	}
	return nil
}

// ParseProgress reads the answer to a question for progress.
func ParseProgress(answer []byte) (Progress, error) {
	var p Progress
	if err := strict(string(answer), &p); err != nil {
		return Progress{}, errors.New("the answer is not the JSON that is expected")
	}
	if !stagePattern.MatchString(p.Stage) || p.BytesDone < 0 || p.BytesDone > maxProgress || p.BytesTotal < 0 || p.BytesTotal > maxProgress {
		return Progress{}, errors.New("the answer is out of range")
	}
	return p, nil
}

// Line makes one short line of a text, without anything that a terminal would obey.
func Line(text string) string {
	line := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, ""), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if short := []rune(line); len(short) > maxText {
		return string(short[:maxText-1]) + "…"
	}
	return line
}

// strict reads one JSON value and nothing after it. Fields that are not known are passed over: the run may be of a newer build.
func strict(text string, into any) error {
	d := json.NewDecoder(strings.NewReader(text))
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more than one value")
	}
	return nil
}
