// The Retry-After header.

package kie

import (
	"net/http"
	"strings"
	"time"
)

// longestHeader is what any longer wait is cut to.
const longestHeader = time.Hour

// retryAfter returns how long a Retry-After header asks to wait from now, between 0 and longestHeader. What is neither a number
// of seconds nor an HTTP date asks for nothing.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if t, err := http.ParseTime(header); err == nil {
		return min(max(t.Sub(now), 0), longestHeader)
	}
	var wait time.Duration
	for _, digit := range header {
		if digit < '0' || digit > '9' {
			return 0
		}
		wait = min(wait*10+time.Duration(digit-'0')*time.Second, longestHeader)
	}
	return wait
}
