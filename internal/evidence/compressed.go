package evidence

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
)

// CompressedField of a ConfigMap holds a Certificate whose statement may be too long to be kept as it is.
const CompressedField = certificateField + ".gz"

// maxCertificate is the largest certificate that is unpacked, in bytes.
const maxCertificate = 32 << 20

// BinaryData of the ConfigMap that holds the certificate compressed.
func (c Certificate) BinaryData() (map[string][]byte, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	packed, err := Compress(text)
	return map[string][]byte{CompressedField: packed}, err
}

// Compress by gzip. The same content gives the same bytes.
func Compress(content []byte) ([]byte, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	err := w.Close()
	return packed.Bytes(), err
}

// Unpack gives a certificate as JSON, whether it is compressed or not.
func Unpack(certificate []byte) ([]byte, error) {
	if !bytes.HasPrefix(certificate, []byte{0x1f, 0x8b}) {
		return certificate, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(certificate))
	if err != nil {
		return nil, fmt.Errorf("the certificate: %w", err)
	}
	content, err := io.ReadAll(io.LimitReader(r, maxCertificate+1))
	if err != nil {
		return nil, fmt.Errorf("the certificate: %w", err)
	}
	if len(content) > maxCertificate {
		return nil, fmt.Errorf("the certificate is larger than %d bytes", maxCertificate)
	}
	return content, nil
}
