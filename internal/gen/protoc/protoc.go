// Command protoc is as much of the protobuf compiler as hz calls: it compiles .proto files and hands them to a
// plugin. It stands in for the C++ program so that generating needs Go only, pinned in go.mod.
// The plugin protocol is google/protobuf/compiler/plugin.proto.
//
//	protoc -I DIR … --plugin=protoc-gen-NAME=PATH --NAME_out=DIR --NAME_opt=OPTIONS FILE …
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "protoc:", err)
		os.Exit(1)
	}
}

type options struct {
	includes, files        []string
	plugin, out, parameter string
}

func run(args []string) error {
	o := parse(args)
	request, err := compile(o)
	if err != nil {
		return err
	}
	response, err := callPlugin(o.plugin, request)
	if err != nil {
		return err
	}
	for _, file := range response.File {
		path := filepath.Join(o.out, file.GetName())
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(file.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func parse(args []string) (o options) {
	for i := 0; i < len(args); i++ {
		name, value, _ := strings.Cut(args[i], "=")
		switch {
		case name == "-I":
			i++
			o.includes = append(o.includes, args[i])
		case name == "--plugin":
			_, o.plugin, _ = strings.Cut(value, "=")
		case strings.HasSuffix(name, "_out"):
			o.out = value
		case strings.HasSuffix(name, "_opt"):
			o.parameter = value
		default:
			o.files = append(o.files, filepath.Base(name))
		}
	}
	return o
}

func compile(o options) (*pluginpb.CodeGeneratorRequest, error) {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: o.includes}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	compiled, err := compiler.Compile(context.Background(), o.files...)
	if err != nil {
		return nil, err
	}
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: o.files, Parameter: &o.parameter}
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) { // imports come before their importers
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i))
		}
		// Through bytes, so that options are the unknown fields that a plugin in another process would see.
		raw, _ := proto.Marshal(protoutil.ProtoFromFileDescriptor(file))
		descriptor := new(descriptorpb.FileDescriptorProto)
		_ = proto.Unmarshal(raw, descriptor)
		request.ProtoFile = append(request.ProtoFile, descriptor)
	}
	for _, file := range compiled {
		add(file)
	}
	return request, nil
}

func callPlugin(path string, request *pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error) {
	input, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	response := new(pluginpb.CodeGeneratorResponse)
	if err := proto.Unmarshal(output, response); err != nil {
		return nil, fmt.Errorf("answer of %s: %w", path, err)
	}
	if response.Error != nil {
		return nil, errors.New(response.GetError())
	}
	return response, nil
}
