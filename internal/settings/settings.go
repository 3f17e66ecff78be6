package settings

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Config is the flag of the file.
type Config struct {
	File string `name:"config" env:"PULLCHAT_CONFIG" type:"path" placeholder:"FILE" help:"A YAML file of settings, named like the flags or the variables. Flags and variables take precedence."`
}

// Tags of fields. A secret is masked where settings are shown, and may be in a file of its own that NAME_FILE names. The
// value "nofile" is a secret without that. A field tagged reload takes a new value without a restart.
const (
	secretTag = "secret"
	noFile    = "nofile"
	reloadTag = "reload"
	unreadTag = "unread" // of a command for which the file is not read
)

// Source is the place that a value comes from.
type Source string

// Settings resolves the flags of one parse. It is a kong.Resolver.
type Settings struct {
	file    *file                 // nil until it has been read
	values  map[*kong.Flag]string // to use instead of kong's value
	sources map[*kong.Flag]Source // unless it is the default
	byFile  map[*kong.Flag]*kong.Flag
	faults  map[*kong.Flag]error
	reads   []string // the files that values come from
}

// Files returns the configuration file and the files of secrets.
func (s *Settings) Files() []string { return s.reads }

// New returns Settings for one kong parser.
func New() *Settings {
	return &Settings{
		values: map[*kong.Flag]string{}, sources: map[*kong.Flag]Source{}, faults: map[*kong.Flag]error{}, byFile: map[*kong.Flag]*kong.Flag{},
	}
}

// Options are the options of a parser: the resolver, and a flag NAME-file for each secret.
func (s *Settings) Options() []kong.Option {
	return []kong.Option{kong.Resolvers(s), kong.PostBuild(s.addFileFlags), kong.WithBeforeResolve(s.prepare)}
}

// addFileFlags gives every secret a sibling for the file that has it.
func (s *Settings) addFileFlags(k *kong.Kong) error {
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		var of *kong.Node
		switch node := node.(type) {
		case *kong.Application:
			of = node.Node
		case *kong.Node:
			of = node
		default:
			return next(nil)
		}
		for i := 0; i < len(of.Flags); i++ {
			if flag := of.Flags[i]; flag.Tag.Has(secretTag) && flag.Tag.Get(secretTag) != noFile && s.byFile[flag] == nil {
				beside := fileFlag(flag)
				s.byFile[flag] = beside
				of.Flags = slices.Insert(of.Flags, i+1, beside)
			}
		}
		return next(nil)
	})
}

func fileFlag(of *kong.Flag) *kong.Flag {
	var variables []string
	for _, name := range of.Envs {
		variables = append(variables, name+"_FILE")
	}
	target := reflect.New(reflect.TypeFor[string]()).Elem()
	help := fmt.Sprintf("A file with --%s, which is read at the start.", of.Name)
	value := &kong.Value{
		Name: of.Name + "-file", Help: help, OrigHelp: help, Mapper: kong.NewRegistry().RegisterDefaults().ForType(target.Type()),
		Tag: &kong.Tag{Envs: variables}, Target: target, DefaultValue: reflect.New(target.Type()).Elem(),
	}
	flag := &kong.Flag{Value: value, Group: of.Group, PlaceHolder: "FILE", Envs: variables}
	value.Flag = flag
	return flag
}

// Validate implements kong.Resolver.
func (s *Settings) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver.
func (s *Settings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if value, has := s.values[flag]; has {
		return value, nil
	}
	return nil, nil //nolint:nilnil // kong's way to say that there is no value
}

// prepare reads the file and decides which value each flag has. Kong calls it for every part of the command line, before it
// asks for values; the first time counts.
func (s *Settings) prepare(ctx *kong.Context) error {
	if s.file != nil {
		return nil
	}
	if selected := ctx.Selected(); selected != nil && selected.Tag != nil && selected.Tag.Has(unreadTag) {
		s.file = &file{}
		return nil
	}
	var err error
	if s.file, err = readFile(configPath(ctx)); err != nil {
		return err
	}
	if s.file.path != "" {
		s.reads = append(s.reads, s.file.path)
	}
	found, err := s.file.match(ctx.Model)
	if err != nil {
		return err
	}
	typed := map[*kong.Flag]bool{}
	for _, path := range ctx.Path {
		if path.Flag != nil {
			typed[path.Flag] = true
		}
	}
	var faults []error
	for _, flag := range active(ctx) {
		faults = append(faults, s.note(flag, s.decide(flag, typed[flag], found[flag.Name])))
	}
	for _, flag := range active(ctx) {
		if beside := s.byFile[flag]; beside != nil {
			faults = append(faults, s.note(flag, s.readSecretOf(ctx, flag, beside)))
		}
	}
	return errors.Join(faults...)
}

// note keeps the fault of a flag.
func (s *Settings) note(flag *kong.Flag, fault error) error {
	if fault != nil {
		s.faults[flag] = fault
	}
	return fault
}

// decide takes the value of the highest source: a typed flag, the environment, the file.
func (s *Settings) decide(flag *kong.Flag, typed bool, in *entry) error {
	switch variable, set := variableOf(flag); {
	case typed:
		s.sources[flag] = Source("--" + flag.Name)
	case set:
		s.sources[flag] = Source(variable)
	case in != nil:
		s.sources[flag] = Source(s.file.at(in.line))
		s.values[flag] = in.text
		if err := try(flag, in.text); err != nil {
			return fmt.Errorf("%s: %w", s.file.at(in.line), err)
		}
	}
	return nil
}

// variableOf returns the variable that sets a flag. An empty variable is no secret: Compose files pass such.
func variableOf(flag *kong.Flag) (name string, set bool) {
	for _, name := range flag.Envs {
		if value, set := os.LookupEnv(name); set {
			return name, value != "" || !flag.Tag.Has(secretTag) && !strings.HasSuffix(name, "_FILE")
		}
	}
	return "", false
}

// readSecretOf reads the file of a secret. A secret from a higher source replaces the file that a lower one names, and a file
// a secret.
func (s *Settings) readSecretOf(ctx *kong.Context, flag, beside *kong.Flag) error {
	source, given := s.sources[flag]
	fileSource, named := s.sources[beside]
	_, inFile := s.values[flag]
	_, fileInFile := s.values[beside]
	switch {
	case !named:
		return nil
	case given && inFile == fileInFile:
		return fmt.Errorf("%s and %s are both set; set one of them", source, fileSource)
	case given && !inFile: // the configuration file's name of a file counts less
		delete(s.values, beside)
		delete(s.sources, beside)
		return nil
	}
	path, fromFile := s.values[beside]
	if !fromFile {
		path = ctx.FlagValue(beside).(string) //nolint:errcheck // fileFlag has made it
	}
	secret, err := readSecret(path)
	if err != nil {
		return fmt.Errorf("%s: %w", fileSource, err)
	}
	s.values[flag], s.sources[flag] = secret, fileSource
	s.reads = append(s.reads, path)
	return nil
}

// try parses a value that is not used yet, so that its error can name the place.
func try(flag *kong.Flag, text string) error {
	if flag.Tag.Has(secretTag) {
		return nil // any text will do
	}
	target := reflect.New(flag.Target.Type()).Elem()
	if err := flag.Parse(kong.Scan().PushTyped(text, kong.FlagValueToken), target); err != nil {
		return err
	}
	if flag.Enum != "" && !flag.EnumMap()[fmt.Sprint(target)] {
		return fmt.Errorf("--%s must be one of %s", flag.Name, strings.Join(flag.EnumSlice(), ", "))
	}
	return nil
}

// active are the flags of the program and of the command that was given.
func active(ctx *kong.Context) []*kong.Flag {
	var flags []*kong.Flag
	for _, path := range ctx.Path {
		if path.Flag == nil {
			flags = append(flags, path.Flags...)
		}
	}
	return flags
}

func configPath(ctx *kong.Context) string {
	for _, flag := range ctx.Model.Flags {
		if flag.Name == "config" {
			path, _ := ctx.FlagValue(flag).(string)
			return path
		}
	}
	return ""
}
