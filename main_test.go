package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/output"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// TestMain lets the test's own binary be the program, so that signals are sent to a real process.
func TestMain(m *testing.M) {
	if os.Getenv("BE_THE_PROGRAM") != "" {
		main()
	}
	os.Exit(m.Run())
}

// process is the program with a task whose query hangs, and the log it has written.
type process struct {
	*exec.Cmd
	log output.Text
}

// program returns the program, to be started.
func program(t *testing.T, key string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...) //nolint:gosec // itself
	c.Env = append(os.Environ(), "BE_THE_PROGRAM=1", "KIE_API_KEY="+key)
	return c
}

// start starts the program and a scrape of it that hangs for as long as max_wait allows.
func start(t *testing.T, maxWait string) (p *process, scraped <-chan int) {
	t.Helper()
	asked := make(chan struct{}, 100)
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("taskId") { // and not the balance, with which the key is tried at the start
			asked <- struct{}{}
		}
		<-r.Context().Done()
	}))
	t.Cleanup(api.Close)
	config := t.TempDir() + "/kie.yml"
	text := "accounts: [{base_url: '" + api.URL + "', timeout: 1m}]\ngroups: [{tasks: [a]}]\npolling: {max_wait: " + maxWait + "}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p = &process{Cmd: program(t, "secret", "--config.file="+config, "--web.listen-address=127.0.0.1:0", "--storage.path=")}
	p.Stderr = &p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	listening := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
	for listening.FindStringSubmatch(p.log.String()) == nil {
		time.Sleep(10 * time.Millisecond)
	}
	url := "http://" + listening.FindStringSubmatch(p.log.String())[1] + "/metrics"
	statuses := make(chan int, 1)
	go func() {
		resp, err := http.Get(url) //nolint:gosec,noctx // ends with the process
		if err != nil {
			statuses <- 0
			return
		}
		_ = resp.Body.Close()
		statuses <- resp.StatusCode
	}()
	<-asked
	return p, statuses
}

func TestSIGTERMLetsAScrapeFinish(t *testing.T) {
	p, scraped := start(t, "2s")
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := <-scraped; status != http.StatusOK {
		t.Errorf("the scrape ended with %d", status)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("the program ended with %v: %s", err, p.log.String())
	}
}

func TestASecondSignalEndsTheProgramAtOnce(t *testing.T) {
	p, scraped := start(t, "1m")
	for !strings.Contains(p.log.String(), "Shutting down") {
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	ended := make(chan error)
	go func() { ended <- p.Wait() }()
	for {
		_ = p.Process.Signal(syscall.SIGTERM) // again, should this one have come together with the first
		select {
		case err := <-ended:
			if p.ProcessState.Exited() { // in order, after all that it waits for
				t.Errorf("the program ended with %v and not by the signal: %s", err, p.log.String())
			}
			<-scraped
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func TestSIGHUPReloadsTheConfiguration(t *testing.T) {
	p, scraped := start(t, "2s")
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until(t, "Configuration loaded")
	if status := <-scraped; status != http.StatusOK {
		t.Errorf("the scrape ended with %d", status)
	}
	_ = p.Process.Signal(syscall.SIGTERM)
	if err := p.Wait(); err != nil {
		t.Errorf("the program ended with %v: %s", err, p.log.String())
	}
}

// handOver starts the program as systemd does, with sockets that it has opened.
func handOver(t *testing.T, sockets ...*os.File) *process {
	t.Helper()
	args := []string{"-c", `LISTEN_PID=$$ exec "$0" "$@"`, os.Args[0], "--web.systemd-socket", "--task.id=a", "--storage.path="}
	p := &process{Cmd: exec.CommandContext(t.Context(), "sh", args...)} //nolint:gosec // itself
	p.Dir = t.TempDir()
	p.Env = append(os.Environ(), "BE_THE_PROGRAM=1", "KIE_API_KEY=secret", "LISTEN_FDS="+strconv.Itoa(len(sockets)), "HTTPS_PROXY=http://127.0.0.1:1")
	p.ExtraFiles = sockets
	p.Stdout, p.Stderr = &p.log, &p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// sockets returns a stream and a datagram socket, and the address of the former.
func sockets(t *testing.T) (stream, datagram *os.File, address string) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := lc.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stream, err = l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	datagram, err = packets.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _, _ = l.Close(), packets.Close(), stream.Close(), datagram.Close() })
	return stream, datagram, l.Addr().String()
}

// localDatagram returns a datagram socket that has a path.
func localDatagram(t *testing.T) *os.File {
	t.Helper()
	var lc net.ListenConfig
	packets, err := lc.ListenPacket(t.Context(), "unixgram", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	socket, err := packets.(*net.UnixConn).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = packets.Close(), socket.Close() })
	return socket
}

func TestSystemdsSocketIsServed(t *testing.T) {
	stream, _, address := sockets(t)
	p := handOver(t, stream)
	p.until(t, "Listening on")
	resp, err := http.Get("http://" + address + "/-/healthy") //nolint:noctx // ends with the process
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	_ = p.Process.Signal(syscall.SIGTERM)
	if err := p.Wait(); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("health answers %d, and the program ended with %v: %s", resp.StatusCode, err, p.log.String())
	}
}

func TestASocketOfSystemdThatIsNoneToListenOnEndsWithOneErrorLine(t *testing.T) {
	stream, datagram, _ := sockets(t)
	for name, handed := range map[string][]*os.File{
		"a datagram socket": {datagram}, "one of two": {stream, datagram}, "a local datagram socket": {localDatagram(t)}, "no socket": nil,
	} {
		t.Run(name, func(t *testing.T) {
			p := handOver(t, handed...)
			err := p.Wait()
			said := p.log.String()
			if p.ProcessState.ExitCode() != 1 || strings.Contains(said, "goroutine") ||
				strings.Count(said, "level=ERROR") != 1 || !strings.Contains(said, "--web.systemd-socket") {
				t.Errorf("the program ended with %v: %s", err, said)
			}
		})
	}
}

func TestTheProcessPrintsNoSecret(t *testing.T) {
	const key = "canary-key-0123456789"
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, r.Header.Get("Authorization")) //nolint:gosec // a parrot, not a page
	}))
	t.Cleanup(api.Close)
	config := t.TempDir() + "/kie.yml"
	write := func(account string) {
		t.Helper()
		text := "accounts: [{base_url: '" + api.URL + "'" + account + "}]\ngroups: [{tasks: [a]}]\npolling: {background: true}\n"
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for account, code := range map[string]int{"": 0, ", api_key: " + key: 1, ", credentials_file: " + key: 1} {
		write(account)
		check := program(t, key, "--config.check", "--config.file="+config)
		if said, err := check.CombinedOutput(); check.ProcessState.ExitCode() != code || bytes.Contains(said, []byte(key)) {
			t.Errorf("--config.check ended with %v: %s", err, said)
		}
	}
	write("")
	p := &process{Cmd: program(t, key, "--config.file="+config, "--web.listen-address=127.0.0.1:0", "--storage.path=", "--log.level=debug")}
	p.Stdout, p.Stderr = &p.log, &p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.until(t, "Not asking for now")
	write(", credentials_file: " + key)
	_ = p.Process.Signal(syscall.SIGHUP)
	p.until(t, "can't be loaded")
	_ = p.Process.Signal(syscall.SIGQUIT) // Go's own account of all goroutines
	if err := p.Wait(); err == nil || !strings.Contains(p.log.String(), "goroutine ") || strings.Contains(p.log.String(), key) {
		t.Errorf("the program ended with %v: %s", err, p.log.String())
	}
}

// until waits for the program to say something.
func (p *process) until(t *testing.T, text string) {
	t.Helper()
	p.log.Await(t, time.Minute, text)
}

// A list that takes all the time that there is for one holds up neither a reload nor the end.
func TestNeitherAReloadNorSIGTERMWaitsForAListThatIsRead(t *testing.T) {
	wait.Quick(t, 3*time.Second, func() time.Duration { return signalWhileAListIsRead(t) })
}

// signalWhileAListIsRead has a process reload, and then end, while it reads a list, and returns how much longer that takes than in a process that reads
// none and is told at the same time: what a busy machine adds, it adds to both.
func signalWhileAListIsRead(t *testing.T) (longer time.Duration) {
	t.Helper()
	reading, dir := startOnLists(t)
	idle, _ := startOnLists(t)
	// Each byte of it is looked at as often as JSON may be nested.
	slow := strings.Repeat(strings.Repeat("[", 31)+"1,\n", 2<<20)
	for _, name := range []string{"/1.jsonl", "/2.jsonl", "/3.jsonl"} {
		if err := os.WriteFile(dir+name, []byte(slow), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const look = 6 * time.Second // by then one of them is being read, and is for 4 s or more
	for _, step := range []struct {
		signal os.Signal
		ended  func(p *process) error
	}{
		{syscall.SIGHUP, func(p *process) error { p.until(t, "Configuration loaded"); return nil }},
		{syscall.SIGTERM, func(p *process) error { return p.Wait() }},
	} {
		time.Sleep(look)
		_, _ = reading.Process.Signal(step.signal), idle.Process.Signal(step.signal)
		var ended [2]time.Time
		for i, p := range []*process{idle, reading} {
			if err := step.ended(p); err != nil {
				t.Errorf("%v: %v: %s", step.signal, err, p.log.String())
			}
			ended[i] = time.Now()
		}
		took := ended[1].Sub(ended[0])
		t.Logf("%v: %v longer", step.signal, took)
		longer = max(longer, took)
	}
	return longer
}

// startOnLists starts a process that reads the lists in a folder, of which there are none yet.
func startOnLists(t *testing.T) (p *process, dir string) {
	t.Helper()
	dir = t.TempDir()
	text := "accounts: [{base_url: 'http://127.0.0.1:1'}]\ngroups: [{name: slow, files: ['*.jsonl']}, {name: g, tasks: [a]}]\n"
	if err := os.WriteFile(dir+"/kie.yml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p = &process{Cmd: program(t, "secret", "--config.file="+dir+"/kie.yml", "--web.listen-address=127.0.0.1:0", "--storage.path=")}
	p.Stdout, p.Stderr = &p.log, &p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.until(t, "Tasks listed") // the first read is over
	return p, dir
}
