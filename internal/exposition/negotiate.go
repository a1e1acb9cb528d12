// Which encoding an answer has.

package exposition

import (
	"math"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// negotiateEncoding returns the encoding that suits a client best: of those with the highest quality the first that we offer.
// Identity need not be listed, though what is listed comes first. False: the client refuses all.
func negotiateEncoding(h http.Header) (best promhttp.Compression, ok bool) {
	highest := 0.0
	accepted := parseAccept(h["Accept-Encoding"])
	for _, offer := range []promhttp.Compression{promhttp.Identity, promhttp.Gzip, promhttp.Zstd} {
		quality, listed := qualityOf(string(offer), accepted)
		if !listed && offer == promhttp.Identity {
			quality = math.SmallestNonzeroFloat64
		}
		if quality > highest {
			best, highest = offer, quality
		}
	}
	return best, highest > 0
}

// qualityOf returns the quality of a value. What stands for any is for those that are not listed by name.
func qualityOf(value string, all []accepted) (quality float64, listed bool) {
	for _, name := range []string{value, "*"} {
		for _, a := range all {
			if a.value == name && !math.IsNaN(a.quality) { // too many decimals overflow
				quality, listed = max(quality, a.quality), true
			}
		}
		if listed {
			return quality, true
		}
	}
	return 0, false
}

// accepted is an element of a header such as Accept-Encoding.
type accepted struct {
	value   string
	quality float64
}

// parseAccept reads each header up to the first fault.
func parseAccept(headers []string) (all []accepted) {
	for _, rest := range headers {
		for more := true; more; {
			var a accepted
			var ok bool
			a, rest, ok = parseElement(rest)
			if !ok {
				break
			}
			all = append(all, a)
			rest, more = strings.CutPrefix(skipSpace(rest), ",")
			rest = skipSpace(rest)
		}
	}
	return all
}

func parseElement(s string) (a accepted, rest string, ok bool) {
	n := strings.IndexFunc(s, func(r rune) bool { return r != '/' && !isToken(r) })
	if n < 0 {
		n = len(s)
	}
	a, rest = accepted{s[:n], 1}, skipSpace(s[n:])
	if a.value == "" {
		return a, "", false
	}
	if parameter, has := strings.CutPrefix(rest, ";"); has {
		quality, isQuality := strings.CutPrefix(skipSpace(parameter), "q=")
		if !isQuality {
			return a, "", false
		}
		a.quality, rest, ok = parseQuality(quality)
		return a, rest, ok
	}
	return a, rest, true
}

// parseQuality reads 0 or 1, with any number of decimals after it.
func parseQuality(s string) (quality float64, rest string, ok bool) {
	if s == "" || s[0] != '0' && s[0] != '1' {
		return 0, "", false
	}
	quality = float64(s[0] - '0')
	decimals, has := strings.CutPrefix(s[1:], ".")
	if !has {
		return quality, s[1:], true
	}
	n, d := 0, 1
	for decimals != "" && decimals[0] >= '0' && decimals[0] <= '9' {
		n, d, decimals = n*10+int(decimals[0]-'0'), d*10, decimals[1:]
	}
	quality += float64(n) / float64(d)
	return quality, decimals, !(quality < 0) // too many decimals overflow
}

func skipSpace(s string) string { return strings.TrimLeft(s, " \t\r\n") }

// isToken reports whether a rune may be in a token of HTTP.
func isToken(r rune) bool {
	return r > ' ' && r < 0x7f && !strings.ContainsRune(`"(),/:;<=>?@[]\{}`, r)
}
