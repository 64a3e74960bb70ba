package main

import (
	"bytes"
	"fmt"
	"math"
)

// The plot's measures, in pixels.
const (
	plotWidth, plotHeight = 640, 420
	left, right           = 70, 110
	top, bottom           = 30, 50
)

var colours = map[string]string{"bare": "#777777", "crmkeep": "#0b6e4f", "helm": "#b5452c"}

// plot draws seconds by number of environments, both logarithmic, as SVG: medians as lines, every measurement as a point.
func (r *report) plot() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", plotWidth, plotHeight)
	a := r.axes()
	a.draw(&b, r.Sizes)
	for _, way := range wayNames {
		r.drawWay(&b, a, way)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// axes go from the decade below the smallest value to the one above the largest.
type axes struct{ minN, maxN, minS, maxS float64 }

func (r *report) axes() axes {
	a := axes{minN: math.Inf(1), minS: math.Inf(1)}
	for _, s := range r.Samples {
		a.minN, a.maxN = min(a.minN, float64(s.N)), max(a.maxN, float64(s.N))
		a.minS, a.maxS = min(a.minS, s.TotalSeconds), max(a.maxS, s.TotalSeconds)
	}
	a.minN, a.maxN = a.minN/1.3, a.maxN*1.3
	a.minS, a.maxS = math.Pow(10, math.Floor(math.Log10(a.minS))), math.Pow(10, math.Ceil(math.Log10(a.maxS)))
	return a
}

func (a axes) x(n float64) float64 {
	return left + (plotWidth-left-right)*math.Log(n/a.minN)/math.Log(a.maxN/a.minN)
}

func (a axes) y(s float64) float64 {
	return plotHeight - bottom - (plotHeight-top-bottom)*math.Log(s/a.minS)/math.Log(a.maxS/a.minS)
}

func (a axes) draw(b *bytes.Buffer, sizes []int) {
	for s := a.minS; s <= a.maxS*1.01; s *= 10 {
		fmt.Fprintf(b, `<path d="M%d %.1fH%d" stroke="#dddddd"/><text x="%d" y="%.1f" text-anchor="end">%g s</text>`+"\n",
			left, a.y(s), plotWidth-right, left-8, a.y(s)+4, s)
	}
	for _, n := range sizes {
		x := a.x(float64(n))
		fmt.Fprintf(b, `<path d="M%.1f %dV%d" stroke="#dddddd"/><text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n",
			x, top, plotHeight-bottom, x, plotHeight-bottom+18, n)
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">environments declared at once</text>`+"\n", (left+plotWidth-right)/2, plotHeight-12)
}

func (r *report) drawWay(b *bytes.Buffer, a axes, way string) {
	path, name := "", ""
	for _, n := range r.Sizes {
		values := r.of(way, n, totalOf)
		if len(values) == 0 {
			continue
		}
		x, y := a.x(float64(n)), a.y(median(values))
		path += fmt.Sprintf("%c%.1f %.1f", "ML"[min(len(path), 1)], x, y)
		name = fmt.Sprintf(`<text x="%.1f" y="%.1f" fill="%s">%s</text>`, x+10, y+4, colours[way], way)
		for _, v := range values {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s" fill-opacity="0.5"/>`+"\n", x, a.y(v), colours[way])
		}
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>%s`+"\n", path, colours[way], name)
}
