// A PostgreSQL of the tests' own, which the recipes with psql share.

package feeding_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// initdb is not in PATH on Debian, where versions stand side by side.
var initdb = newest("/usr/lib/postgresql/*/bin/initdb")

// newest returns the last of the files that a pattern matches, or its last name.
func newest(pattern string) string {
	if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
		return found[len(found)-1]
	}
	return filepath.Base(pattern)
}

// postgres is the server, if a recipe needed one: its folder, in which its socket is, and its process.
var postgres struct {
	once   sync.Once
	dir    string
	server *exec.Cmd
	err    error

	databases atomic.Int32 // so far
}

// database makes a database with the table of the page, for the recipe alone, and has psql find it under the name "shop".
func (k *kitchen) database() {
	k.Helper()
	postgres.once.Do(func() { postgres.err = startPostgres() })
	if postgres.err != nil {
		k.Fatal(postgres.err)
	}
	k.env = append(k.env, "PGHOST="+postgres.dir, "PGUSER=shop")
	wait.Until(k.T, 30*time.Second, 50*time.Millisecond, func() error {
		said, err := k.psql("postgres", "select 1")
		if err != nil {
			return fmt.Errorf("%w: %s", err, said)
		}
		return nil
	})
	k.shop = fmt.Sprintf("shop_%d", postgres.databases.Add(1))
	k.swap("-d shop", "-d "+k.shop)
	if said, err := k.psql("postgres", "create database "+k.shop+" template template0"); err != nil {
		k.Fatalf("%v\n%s", err, said)
	}
	k.sql(k.snippet("generations.sql"))
}

// sql runs a statement in the database.
func (k *kitchen) sql(statement string) string {
	k.Helper()
	said, err := k.psql(k.shop, statement)
	if err != nil {
		k.Fatalf("%s: %v\n%s", statement, err, said)
	}
	return said
}

func (k *kitchen) psql(database, statement string) (said string, err error) {
	c := exec.CommandContext(k.Context(), "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement) //nolint:gosec // ours
	c.Env = k.env
	text, err := c.CombinedOutput()
	return string(text), err
}

// startPostgres starts a server that listens on nothing but a socket in its folder. It refuses to be root, so then it is Debian's user.
func startPostgres() error {
	dir, err := os.MkdirTemp("", "kie-pg-")
	if err != nil {
		return err
	}
	postgres.dir = dir
	as, err := postgresUser(dir)
	if err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	ctx := context.Background()                                                                                                       // it outlives the test that needed it first
	create := exec.CommandContext(ctx, initdb, "--auth=trust", "--username=shop", "--no-sync", "--encoding=UTF8", "--locale=C", data) //nolint:gosec // Debian's
	create.SysProcAttr, create.Dir = as, dir
	if said, err := create.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, said)
	}
	postgres.server = exec.CommandContext(ctx, filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data, "-k", dir, "-h", "", "-F") //nolint:gosec // Debian's
	postgres.server.SysProcAttr, postgres.server.Dir = as, dir
	return postgres.server.Start()
}

// postgresUser returns as whom to run a server, and gives that user the folder.
func postgresUser(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, os.Chown(dir, int(uid), int(gid))
}

// stopPostgres ends the server, if there is one, and waits for it.
func stopPostgres() error {
	if postgres.server == nil || postgres.server.Process == nil {
		return os.RemoveAll(postgres.dir)
	}
	err := errors.Join(postgres.server.Process.Signal(syscall.SIGINT), postgres.server.Wait())
	return errors.Join(err, os.RemoveAll(postgres.dir))
}
