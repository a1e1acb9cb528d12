// Certificates.

package kie

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestCertificateThatDoesNotHoldIsTransport(t *testing.T) {
	for name, tc := range map[string]struct {
		expires time.Duration
		host    string
		trusted bool
		text    string // what an operator must read
	}{
		"good":        {time.Hour, "127.0.0.1", true, ""},
		"expired":     {-time.Hour, "127.0.0.1", true, "expired"},
		"self-signed": {time.Hour, "127.0.0.1", false, "unknown authority"},
		"wrong name":  {time.Hour, "127.0.0.2", true, "127.0.0.2"},
	} {
		t.Run(name, func(t *testing.T) {
			api := httptest.NewUnstartedServer(answering(200, okBody))
			api.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t, tc.host, tc.expires)}}
			api.Config.ErrorLog = log.New(io.Discard, "", 0)
			api.StartTLS()
			t.Cleanup(api.Close)
			c := connect(t, api.URL)
			if tc.trusted {
				c = connect(t, api.URL, trusting(api))
			}
			_, err := c.Record(t.Context(), Jobs, testID)
			if tc.text == "" {
				wantClass(t, err, ClassOK)
				return
			}
			if wantClass(t, err, ClassTransport); err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error %v, want it to say %q", err, tc.text)
			}
		})
	}
}

func TestTLSAndPlainHTTPDoNotMix(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	_, err := connect(t, strings.Replace(plain.URL, "http", "https", 1)).Record(t.Context(), Jobs, testID)
	if wantClass(t, err, ClassTransport); err == nil || !strings.Contains(err.Error(), "does not look like a TLS handshake") {
		t.Errorf("error %v", err)
	}
}

// trusting makes the server's own certificate the client's only authority.
func trusting(s *httptest.Server) func(*Options) {
	return func(o *Options) {
		o.HTTPClient.TLSConfig.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	}
}

// certificate signs a certificate of an address with its own key.
func certificate(t *testing.T, host string, expires time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "api"},
		NotBefore:             time.Now().Add(-24 * time.Hour),
		NotAfter:              time.Now().Add(expires),
		IPAddresses:           []net.IP{net.ParseIP(host)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
