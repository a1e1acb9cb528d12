// One fetch of a list from a server. Nothing that comes back is believed before all of it is there.

package source

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	commoncfg "github.com/prometheus/common/config"
	program "github.com/prometheus/common/version"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	fetchTimeout = 10 * time.Second // of one fetch, its answer included
	maxValidator = 1 << 10          // bytes of an ETag or date that is kept
	accepted     = "text/plain, application/jsonl, application/x-ndjson, application/json, application/yaml"
)

var (
	errSlow      = fmt.Errorf("no whole answer within %v", fetchTimeout)
	errRedirect  = errors.New("the server redirects, which is not followed")
	errHTML      = errors.New("the answer is a page of HTML")
	errKind      = errors.New("the answer's Content-Type is none of a list: want " + accepted)
	errEncoding  = errors.New("the answer's Content-Encoding is not gzip")
	errUnbounded = errors.New("the answer does not tell where it ends: it has neither a Content-Length nor chunks")
)

// server is where a list is fetched.
type server struct {
	url    *url.URL
	client *http.Client
}

// answer is what a server said.
type answer struct {
	unmodified bool // the content is still of the version that we have
	content    string
	format     format
	version    version
	err        error // quotes neither the URL nor what the server sent
}

// version says which content an answer holds.
type version struct {
	kind, etag, modified string
}

func newServer(h *HTTP) (*server, error) {
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
	return &server{url: h.URL, client: client}, nil
}

// close closes idle connections. One that is in use is closed after that.
func (s *server) close() { s.client.CloseIdleConnections() }

// fetch asks for the list, unless it is still the one we have. It may have so many bytes.
func (s *server) fetch(ctx context.Context, have version, bytes int64) answer {
	bounded, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	a, err := s.exchange(bounded, have, bytes)
	switch {
	case err == nil:
		return a
	case ctx.Err() != nil:
		err = ctx.Err()
	case bounded.Err() != nil:
		err = errSlow
	}
	return answer{err: err}
}

func (s *server) exchange(ctx context.Context, have version, bytes int64) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url.String(), http.NoBody)
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
	format, err := formatOfType(kind)
	if err != nil {
		return answer{}, err
	}
	if resp.ContentLength < 0 && resp.ProtoMajor < 2 && len(resp.TransferEncoding) == 0 {
		return answer{}, errUnbounded
	}
	content, err := download(ctx, resp, format.within(bytes))
	if err != nil {
		return answer{}, err
	}
	if format.lines && strings.HasPrefix(strings.TrimLeftFunc(content, unicode.IsSpace), "<") {
		return answer{}, errHTML // whatever the server says it is
	}
	return answer{content: content, format: format, version: version{
		kind: kind, etag: validator(resp, "ETag"), modified: validator(resp, "Last-Modified"),
	}}, nil
}

// download returns an answer's body, decompressed. It stops reading beyond limit.
func download(ctx context.Context, resp *http.Response, limit size) (string, error) {
	if resp.ContentLength > limit.most {
		return "", limit.error()
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
		content, err = unpack(ctx, content, limit)
	}
	if err != nil && !errors.Is(err, errTooLarge) {
		err = unreadable(err)
	}
	return content, err
}

// readBody returns an answer's body as it came.
func readBody(resp *http.Response, limit size) (string, error) {
	if resp.ContentLength >= 0 {
		return readKnown(resp.Body, resp.ContentLength, limit)
	}
	return readAll(resp.Body, limit)
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

// formatOfType returns the format that a media type stands for.
func formatOfType(kind string) (format, error) {
	switch kind {
	case "text/plain":
		return formats["txt"], nil
	case "application/jsonl", "application/x-ndjson", "application/ndjson", "application/x-jsonlines", "application/json-seq":
		return formats["jsonl"], nil
	case "application/json":
		return formats["json"], nil
	case "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml":
		return formats["yml"], nil
	case "text/html", "application/xhtml+xml":
		return format{}, errHTML
	}
	return format{}, errKind
}
