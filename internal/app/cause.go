// What an error is told of where anybody may read it.

package app

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// withoutAddresses returns the text of a query's error, less the addresses, names and paths that its cause may hold: those of a
// proxy are nobody's business outside. The log has them.
func withoutAddresses(err error) string {
	e, ok := errors.AsType[*kie.Error](err)
	if !ok || e.Err == nil {
		return err.Error()
	}
	bare := *e
	bare.Err = errors.New(kindOfCause(e.Err))
	return bare.Error()
}

func kindOfCause(err error) string {
	if text, ok := errors.AsType[remoteCause](err); ok {
		return string(text)
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		if e.IsNotFound {
			return "there is no host of that name"
		}
		return "the name of the host can't be looked up"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate can't be verified"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the other side does not speak TLS"
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return "a file can't be read"
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e.Error()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "timeout"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return "network failure: " + e.Op
	}
	return err.Error() // has no names, see kie.Tellable
}
