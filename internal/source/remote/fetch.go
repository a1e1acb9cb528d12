// One fetch of a list from a server. Nothing that comes back is believed before all of it is there.

package remote

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"

	commoncfg "github.com/prometheus/common/config"
	program "github.com/prometheus/common/version"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source/bounded"
	"github.com/kie-exporter/kie_exporter/internal/source/format"
)

// Timeout is how long one fetch takes at most, its answer included.
const Timeout = 10 * time.Second

const (
	maxValidator = 1 << 10 // bytes of an ETag or date that is kept
	accepted     = "text/plain, application/jsonl, application/x-ndjson, application/json, application/yaml"
)

// ErrSlow is the error of an answer that takes longer.
var ErrSlow = fmt.Errorf("no whole answer within %v", Timeout)

var (
	errRedirect  = errors.New("the server redirects, which is not followed")
	errHTML      = errors.New("the answer is a page of HTML")
	errKind      = errors.New("the answer's Content-Type is none of a list: want " + accepted)
	errEncoding  = errors.New("the answer's Content-Encoding is not gzip")
	errUnbounded = errors.New("the answer does not tell where it ends: it has neither a Content-Length nor chunks")
)

// Server is where a list is fetched. It is safe for concurrent use once it was asked.
type Server struct {
	from   HTTP
	client *http.Client
	asked  *answer // by Ask; nil: it was not asked yet
}

// answer is what a server said.
type answer struct {
	unmodified bool // the content is still of the version that we have
	content    string
	format     format.Format
	version    version
	err        error // quotes neither the URL nor what the server sent
}

// version says which content an answer holds.
type version struct {
	kind, etag, modified string
}

// Connect returns the server of a list. It asks nothing; the error is that of a certificate, for example.
func Connect(h *HTTP) (*Server, error) {
	options := []commoncfg.HTTPClientOption{commoncfg.WithUserAgent("kie_exporter/" + program.Version)}
	if h.DialContext != nil {
		options = append(options, commoncfg.WithDialContextFunc(h.DialContext))
	}
	settings := h.Client
	settings.FollowRedirects = false
	client, err := commoncfg.NewClientFromConfig(settings, "list", options...)
	if err != nil {
		return nil, err
	}
	return &Server{from: *h, client: client}, nil
}

// Ask fetches the list once, for the source that the server is going to be of. If ctx ends that, the source does it later.
func (s *Server) Ask(ctx context.Context, bytes int64) {
	if a := s.fetch(ctx, version{}, bytes); ctx.Err() == nil {
		s.asked = &a
	}
}

// close closes idle connections. One that is in use is closed after that.
func (s *Server) close() { s.client.CloseIdleConnections() }

// fetch asks for the list, unless it is still the one we have. It may have so many bytes.
func (s *Server) fetch(ctx context.Context, have version, bytes int64) answer {
	within, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	a, err := s.exchange(within, have, bytes)
	switch {
	case err == nil:
		return a
	case ctx.Err() != nil:
		err = ctx.Err()
	case within.Err() != nil:
		err = ErrSlow
	}
	return answer{err: err}
}

func (s *Server) exchange(ctx context.Context, have version, bytes int64) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.from.URL.String(), http.NoBody)
	if err != nil {
		return answer{}, kie.Tellable(err)
	}
	req.Header.Set("Accept", accepted)
	req.Header.Set("Accept-Encoding", "gzip")
	if have.etag != "" {
		req.Header.Set("If-None-Match", have.etag)
	}
	if have.modified != "" {
		req.Header.Set("If-Modified-Since", have.modified)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{}, kie.Tellable(err)
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		return accept(ctx, resp, bytes)
	case code == http.StatusNotModified && have.etag+have.modified != "":
		return answer{unmodified: true}, nil
	case code >= 300 && code < 400 && code != http.StatusNotModified:
		return answer{}, errRedirect
	default:
		return answer{}, fmt.Errorf("the server answers with HTTP status %d", code)
	}
}

// accept reads a list of so many bytes at the most out of an answer.
func accept(ctx context.Context, resp *http.Response, bytes int64) (answer, error) {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // empty if there is none, or a wrong one
	form, err := formatOf(kind)
	if err != nil {
		return answer{}, err
	}
	if resp.ContentLength < 0 && resp.ProtoMajor < 2 && len(resp.TransferEncoding) == 0 {
		return answer{}, errUnbounded
	}
	content, err := download(ctx, resp, form.Bounds(bytes))
	if err != nil {
		return answer{}, err
	}
	if form.IsLines() && strings.HasPrefix(strings.TrimLeftFunc(content, unicode.IsSpace), "<") {
		return answer{}, errHTML // whatever the server says it is
	}
	return answer{content: content, format: form, version: version{
		kind: kind, etag: validator(resp, "ETag"), modified: validator(resp, "Last-Modified"),
	}}, nil
}

// download returns an answer's body, decompressed. It stops reading beyond limit.
func download(ctx context.Context, resp *http.Response, limit bounded.Size) (string, error) {
	if resp.ContentLength > limit.Most {
		return "", limit.Exceeded()
	}
	packed := false
	switch encoding := strings.ToLower(resp.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		packed = true
	default:
		return "", errEncoding
	}
	content, err := readBody(resp, limit)
	if err == nil && packed {
		content, err = bounded.Unpack(ctx, content, limit)
	}
	if err != nil && !errors.Is(err, bounded.ErrTooLarge) {
		err = unreadable(err)
	}
	return content, err
}

// readBody returns an answer's body as it came.
func readBody(resp *http.Response, limit bounded.Size) (string, error) {
	if resp.ContentLength >= 0 {
		return bounded.ReadKnown(resp.Body, resp.ContentLength, limit)
	}
	return bounded.ReadAll(resp.Body, limit)
}

// unreadable is the error of a body that is cut off or damaged.
func unreadable(err error) error {
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
		return err
	}
	return fmt.Errorf("the answer is not whole: %w", kie.Tellable(err))
}

// validator returns a header that tells versions apart; empty if it can't be sent back.
func validator(resp *http.Response, name string) string {
	value := resp.Header.Get(name)
	if len(value) > maxValidator || strings.ContainsFunc(value, unicode.IsControl) {
		return ""
	}
	return value
}

// formatOf returns the format that a media type stands for.
func formatOf(kind string) (format.Format, error) {
	f, known := format.ByType(kind)
	switch {
	case known:
		return f, nil
	case kind == "text/html" || kind == "application/xhtml+xml":
		return f, errHTML
	}
	return f, errKind
}
