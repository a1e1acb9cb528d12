// The manual page.

package app

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
)

// about is the program in a sentence.
const about = "Prometheus exporter for kie.ai tasks: their state, latency, failures and credits."

// manPageEnd is what the page says after the flags.
const manPageEnd = `.SH ENVIRONMENT
.TP
.B KIE_API_KEY
The API key of a single account that has no credentials_file.
.SH SIGNALS
.TP
.B SIGHUP
Load the configuration anew.
.TP
.BR SIGTERM ", " SIGINT
End in an orderly way; a second one ends at once.
.SH EXIT STATUS
0 after an orderly end, 2 if the command line is wrong, 1 if anything else is.
`

// writeManPage writes the manual page of the command line in roff. kingpin's own puts a version of several lines into its
// first, and the name alone where the index of manual pages wants a description.
func writeManPage(w io.Writer, app *kingpin.ApplicationModel) error {
	var page strings.Builder
	fmt.Fprintf(&page, ".TH %s 1 %q %q %q\n.nh\n.ad l\n", strings.ToUpper(app.Name), builtOn(version.BuildDate),
		roff(app.Name+" "+cmp.Or(version.Version, "unknown")), "User Commands")
	fmt.Fprintf(&page, ".SH NAME\n%s \\- %s\n", app.Name, roff(strings.TrimSuffix(about, ".")))
	fmt.Fprintf(&page, ".SH SYNOPSIS\n.B %s\n[\\fIflags\\fR]\n", app.Name)
	fmt.Fprintf(&page, ".SH DESCRIPTION\n%s\n.SH OPTIONS\n", roff(app.Help))
	for _, f := range app.Flags {
		if f.Hidden {
			continue
		}
		name := "--" + f.Name
		if f.Short != 0 {
			name = "-" + string(f.Short) + ", " + name
		}
		if !f.IsBoolFlag() {
			name += "=" + f.FormatPlaceHolder()
		}
		fmt.Fprintf(&page, ".TP\n\\fB%s\\fR\n%s\n", roff(name), roff(f.Help))
	}
	page.WriteString(manPageEnd)
	_, err := io.WriteString(w, page.String())
	return err
}

// roff returns a text so that troff takes all of it as text, and may break a URL where a line ends.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "/", `/\:`).Replace(strings.Join(strings.Fields(text), " "))
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

// builtOn returns the day of a build, or nothing where the build does not tell.
func builtOn(date string) string {
	day, err := time.Parse("20060102-15:04:05", date)
	if err != nil {
		return ""
	}
	return day.Format(time.DateOnly)
}
