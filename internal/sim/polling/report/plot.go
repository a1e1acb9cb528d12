// Line plots as SVG.

package main

import (
	"bytes"
	"fmt"
)

type point struct{ x, y float64 }

type line struct {
	name   string
	points []point
}

// plot has axes from 0.
type plot struct {
	title, x, y string
	maxX, maxY  float64
	lines       []line
}

const (
	width, height     = 720, 420
	left, right       = 64, 190
	top, bottom       = 44, 56
	ticks             = 5
	legendX, legendDY = 16, 22
)

// colour returns the colour of a line. They can be told apart by most eyes, on white and on black.
func colour(i int) string {
	all := []string{"#999999", "#d55e00", "#0072b2", "#009e73", "#cc79a7"}
	return all[i%len(all)]
}

func (p plot) svg() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="%d" y="24" font-size="16">%s</text>`+"\n", left, p.title)
	p.axes(&b)
	for i, l := range p.lines {
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, colour(i))
		for _, at := range l.points {
			fmt.Fprintf(&b, "%.1f,%.1f ", p.px(at.x), p.py(at.y))
		}
		b.WriteString(`"/>` + "\n")
		y := top + 16 + i*legendDY
		fmt.Fprintf(&b, `<path d="M%d %dh24" stroke="%s" stroke-width="3"/><text x="%d" y="%d">%s</text>`+"\n",
			width-right+legendX, y, colour(i), width-right+legendX+32, y+4, l.name)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (p plot) axes(b *bytes.Buffer) {
	for i := range ticks + 1 {
		x, y := p.maxX*float64(i)/ticks, p.maxY*float64(i)/ticks
		fmt.Fprintf(b, `<path d="M%.1f %.1fH%d" stroke="#dddddd"/>`, p.px(0), p.py(y), width-right)
		fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end">%g</text>`, left-8, p.py(y)+4, y)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%g</text>`+"\n", p.px(x), height-bottom+20, x)
	}
	fmt.Fprintf(b, `<path d="M%d %dV%dH%d" fill="none" stroke="#333333"/>`+"\n", left, top, height-bottom, width-right)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+width-right)/2, height-14, p.x)
	fmt.Fprintf(b, `<text transform="translate(16 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (top+height-bottom)/2, p.y)
}

func (p plot) px(x float64) float64 { return left + x/p.maxX*(width-left-right) }

func (p plot) py(y float64) float64 { return height - bottom - y/p.maxY*(height-top-bottom) }
