// The connections to the API, and what may be told of why one failed.

package kie

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	commoncfg "github.com/prometheus/common/config"
)

const (
	maxHeader   = 64 << 10
	idleTimeout = 90 * time.Second
)

// newTransport builds the transport by hand rather than with prometheus/common: that one bounds no headers and reads no gzip.
func newTransport(o Options) (*http.Transport, error) {
	tlsConfig, err := commoncfg.NewTLSConfig(&o.HTTPClient.TLSConfig)
	if err != nil {
		return nil, fmt.Errorf("tls_config: %w", err)
	}
	dial := o.DialContext
	if dial == nil {
		dial = (&net.Dialer{Timeout: o.Timeout}).DialContext
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(o.HTTPClient.EnableHTTP2)
	return &http.Transport{
		Proxy:                  o.HTTPClient.Proxy(),
		ProxyConnectHeader:     o.HTTPClient.GetProxyConnectHeader(),
		OnProxyConnectResponse: checkProxy,
		DialContext:            dial,
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    o.Timeout,
		Protocols:              protocols,
		MaxIdleConnsPerHost:    o.MaxConnections,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
	}, nil
}

// proxyRefusal is the HTTP status with which a proxy refused a tunnel. It takes the place of the proxy's own words.
type proxyRefusal int

func (r proxyRefusal) Error() string {
	return fmt.Sprintf("the proxy refused the connection with HTTP status %d", int(r))
}

func checkProxy(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return proxyRefusal(resp.StatusCode)
	}
	return nil
}

// errNoHTTP stands for every cause that may not be told.
var errNoHTTP = errors.New("no valid HTTP exchange")

// Tellable returns the part of a failure's cause that may be shown. Errors of net/http can quote URLs and what the far side
// sent, which may echo the key, so only causes that the system, the resolver or TLS gave are told.
func Tellable(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e
	}
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok { // a file of http_headers
		return e
	}
	if e, ok := errors.AsType[proxyRefusal](err); ok {
		return e
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	return errNoHTTP
}
