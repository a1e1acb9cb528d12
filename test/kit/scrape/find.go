package scrape

import (
	"regexp"
	"strings"
)

// Find returns the matches, with their groups, of an expression in those lines of a text that begin with the name with which it begins. Where it looks
// at all of a text, as with (?m)^, the race detector makes that cost more than the scrape.
func Find(re *regexp.Regexp, text string) (all [][]string) {
	name, _ := re.LiteralPrefix()
	for text = "\n" + text; ; {
		begin := strings.Index(text, "\n"+name)
		if begin < 0 {
			return all
		}
		line, _, _ := strings.Cut(text[begin+1:], "\n")
		if found := re.FindStringSubmatch(line); found != nil {
			all = append(all, found)
		}
		text = text[begin+1+len(line):]
	}
}
