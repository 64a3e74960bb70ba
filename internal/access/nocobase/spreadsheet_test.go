package nocobase_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
)

// spreadsheet gives the text of an exported file, and any other answer as it is.
func spreadsheet(content []byte) string {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return string(content)
	}
	var text strings.Builder
	for _, file := range archive.File {
		part, err := file.Open()
		if err != nil {
			return err.Error()
		}
		_, _ = io.Copy(&text, part)
		_ = part.Close()
	}
	return text.String()
}
