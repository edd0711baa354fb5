// Checks the log of an unpacked package with golang.org/x/mod/sumdb, the code that the Go command itself checks its log with: the head's
// signature, every tile, every entry, and every proof.
//
//	go run . FOLDER
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(folder string) error {
	key, err := os.ReadFile(filepath.Join(folder, "keys/log.vkey"))
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(string(key))
	if err != nil {
		return err
	}
	log := filepath.Join(folder, "bag/data/log")
	checkpoint, err := os.ReadFile(filepath.Join(log, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := open(checkpoint, verifier)
	if err != nil {
		return err
	}
	if err := checkEntries(log, tree); err != nil {
		return err
	}
	return checkProofs(filepath.Join(folder, "bag/data/proofs"), verifier, tree)
}

// open reads a checkpoint: origin, size and root, a line each.
func open(checkpoint []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(checkpoint, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, errors.New("the checkpoint is not that of the key's log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// checkEntries compares the hash of each entry with the one that its tile has. A TileHashReader gives no hash that does not lead to the root.
func checkEntries(log string, tree tlog.Tree) error {
	hashes := tlog.TileHashReader(tree, tiles{log})
	for first := int64(0); first < tree.N; first += 256 {
		width := tree.N - first
		if width > 256 {
			width = 256
		}
		path := filepath.Join(log, "tile/entries", numbered(first/256, width))
		bundle, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var indexes []int64
		for i := first; i < first+width; i++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, i))
		}
		expected, err := hashes.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i, hash := range expected {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return fmt.Errorf("%s is cut", path)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			if tlog.RecordHash(bundle[2:2+length]) != hash {
				return fmt.Errorf("entry %d is not the one of the tree", first+int64(i))
			}
			bundle = bundle[2+length:]
		}
		if len(bundle) > 0 {
			return fmt.Errorf("%s has more entries than the tree", path)
		}
	}
	return nil
}

func checkProofs(folder string, verifier note.Verifier, tree tlog.Tree) error {
	paths, err := filepath.Glob(filepath.Join(folder, "*.tlog-proof"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		head, checkpoint, _ := bytes.Cut(text, []byte("\n\n"))
		lines := strings.Split(string(head), "\n")
		if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
			return fmt.Errorf("%s is no proof", path)
		}
		index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
		if err != nil {
			return err
		}
		var proof tlog.RecordProof
		for _, line := range lines[2:] {
			hash, err := tlog.ParseHash(line)
			if err != nil {
				return err
			}
			proof = append(proof, hash)
		}
		proven, err := open(checkpoint, verifier)
		if err != nil || proven != tree {
			return fmt.Errorf("%s leads to another head: %v", path, err)
		}
		leaf, err := os.ReadFile(strings.TrimSuffix(path, ".tlog-proof"))
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
			return fmt.Errorf("%s: %v", path, err)
		}
	}
	return nil
}

// tiles are read where C2SP tlog-tiles has them.
type tiles struct{ log string }

func (tiles) Height() int                    { return 8 }
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(asked []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range asked {
		path := filepath.Join(t.log, "tile", strconv.Itoa(tile.L), numbered(tile.N, int64(tile.W)))
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		read = append(read, content)
	}
	return read, nil
}

// numbered is x001/x234/067, and what it is wide where it is not full.
func numbered(n, width int64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if width < 256 {
		path += ".p/" + strconv.FormatInt(width, 10)
	}
	return path
}
