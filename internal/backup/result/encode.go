package result

import "encoding/json"

// shortText is how long texts may be when a result would not fit otherwise, in characters.
const shortText = 120

// Encode gives a termination message: the whole result when it fits, else with short texts, else its verdict alone.
func (r Result) Encode() ([]byte, error) {
	for _, shorten := range []func(*Result){func(*Result) {}, (*Result).short, (*Result).verdict} {
		shorten(&r)
		out, err := json.Marshal(r)
		if err != nil || len(out) <= MaxLength {
			return out, err
		}
	}
	return json.Marshal(Result{Reason: r.Reason, ManifestDigest: r.ManifestDigest})
}

func (r *Result) short() {
	r.Message = cut(r.Message)
	locations := append([]Location(nil), r.Locations...)
	for i, l := range locations {
		locations[i].Message = cut(l.Message)
		locations[i].Problems = nil
		for _, problem := range l.Problems[:min(len(l.Problems), 2)] {
			locations[i].Problems = append(locations[i].Problems, cut(problem))
		}
	}
	r.Locations = locations
}

// verdict leaves out which snapshots there are: the manifest has them.
func (r *Result) verdict() {
	for i := range r.Locations {
		r.Locations[i].Snapshots, r.Locations[i].Problems = nil, nil
	}
	r.Seconds = nil
}

func cut(text string) string {
	text = Line(text)
	if long := []rune(text); len(long) > shortText {
		return string(long[:shortText-1]) + "…"
	}
	return text
}
