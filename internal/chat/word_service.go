package chat

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// WordOptions say how a WordService works.
type WordOptions struct {
	// Fold returns the form of a word in which two words are compared.
	Fold func(string) string
	Keep time.Duration    // how long counts by the hour are kept
	Now  func() time.Time // nil is time.Now
}

// WordService implements Words. It applies every rule before it calls the store.
type WordService struct {
	store   WordStore
	options WordOptions
	groups  WordGroups
	Access  Access // the access rules
}

var _ Words = (*WordService)(nil)

// NewWordService returns the Words over a store.
func NewWordService(store WordStore, access Access, options WordOptions) *WordService {
	if options.Now == nil {
		options.Now = time.Now
	}
	keep := int((options.Keep + time.Hour - 1) / time.Hour)
	return &WordService{store: store, Access: access, options: options, groups: WordGroups{KeepHours: keep}}
}

// allowed refuses callers who are neither services nor admins of the room. It returns the canonical chat, and whether the
// caller sees words of all chats too.
func (s *WordService) allowed(ctx context.Context, name string) (of string, everything bool, err error) {
	by := callerOf(ctx)
	identified, err := s.Access.identified(by)
	if err != nil {
		return "", false, err
	}
	user := identified && !by.Service
	if name == "" {
		if user {
			err = Errorf(PermissionDenied, "words of all chats are for services; an admin of a room names the room as chat")
		}
		return "", !user, err
	}
	id, err := ParseID(name)
	if err == nil && user {
		err = s.Access.admin(ctx, id, name, by)
	}
	return id.String(), !user, err
}

// admin refuses users who are not admins of the room.
func (a Access) admin(ctx context.Context, id ID, name string, by Caller) error {
	if !id.IsRoom() || a.Rooms == nil {
		return Errorf(PermissionDenied, "chat %q is no room, so it has no admins", name)
	}
	rooms, err := a.Rooms.ReadRooms(ctx, []RoomQuery{{Room: id, Users: []string{by.User}}})
	if err != nil {
		return AsError(err)
	}
	if err := rooms[0].Admits(id, by.User); err != nil {
		return err
	}
	if rooms[0].Members[by.User].Role != Admin {
		return Errorf(PermissionDenied, "%s is not an admin of room %s", by.User, id)
	}
	return nil
}

// folded returns the form under which a word is registered.
func (s *WordService) folded(word string) (string, error) {
	if len(word) > MaxWordBytes || !utf8.ValidString(word) {
		return "", Errorf(InvalidArgument, "word is longer than %d bytes, or not valid UTF-8", MaxWordBytes)
	}
	folded := s.options.Fold(word)
	first, _ := utf8.DecodeRuneInString(folded)
	switch {
	case folded == "" || folded == "." || folded == "..":
		return "", Errorf(InvalidArgument, "word is %q, which is not possible in the path of a URL", word)
	case len(folded) > MaxWordBytes:
		return "", Errorf(InvalidArgument, "word is %d bytes in its folded form; the limit is %d", len(folded), MaxWordBytes)
	case unicode.IsMark(first):
		return "", Errorf(InvalidArgument, "word begins with a mark that belongs to a letter")
	case strings.ContainsFunc(folded, func(r rune) bool { return r == '/' || unicode.IsSpace(r) || !unicode.IsPrint(r) && !isMark(r) }):
		return "", Errorf(InvalidArgument, "word contains a space, a slash or what is invisible")
	}
	return folded, nil
}

// PutWord implements Words.
func (s *WordService) PutWord(ctx context.Context, w Word) (Word, error) {
	of, _, err := s.allowed(ctx, w.Chat)
	if err == nil {
		w.Word, err = s.folded(w.Word)
	}
	if err != nil {
		return Word{}, err
	}
	w.Chat = of
	if err := s.begin(ctx); err != nil {
		return Word{}, orNil(err)
	}
	most := MaxWords
	if of != "" {
		most = MaxChatWords
	}
	w, err = s.store.AddWord(ctx, w, most)
	return w, orNil(err)
}

// begin has the projection skip messages that were sent while there was no word.
func (s *WordService) begin(ctx context.Context) error {
	registry, err := s.store.ReadWords(ctx, 0)
	if err != nil || len(registry.Words) > 0 {
		return err
	}
	return s.store.ChangeProjection(ctx, ProjectionChange{Name: WordsProjection, Action: SkipProjection})
}

// DeleteWord implements Words.
func (s *WordService) DeleteWord(ctx context.Context, of, word string) error {
	of, _, err := s.allowed(ctx, of)
	if err == nil {
		word, err = s.folded(word)
	}
	if err != nil {
		return err
	}
	was, err := s.store.RemoveWord(ctx, Word{Chat: of, Word: word})
	if err == nil && !was {
		err = Errorf(NotFound, "word %q is not registered", word)
	}
	return orNil(err)
}

// Words implements Words.
func (s *WordService) Words(ctx context.Context, q TopWords) ([]WordCount, error) {
	of, everything, err := s.allowed(ctx, q.Chat)
	if err == nil {
		err = checkCursor(q.Since)
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	if err == nil && (q.Limit < 0 || q.Limit > MaxWordsListed) {
		err = Errorf(InvalidArgument, "limit is %d; it must be from 1 to %d", q.Limit, MaxWordsListed)
	}
	groups := s.groups.Since(of, q.Since, s.options.Now().UnixMicro())
	if err == nil && groups == nil {
		err = Errorf(InvalidArgument, "since is too long ago; counts by the hour are kept for %d hours", s.groups.KeepHours)
	}
	if err != nil {
		return nil, err
	}
	registry, err := s.store.ReadWords(ctx, 0)
	if err != nil {
		return nil, AsError(err)
	}
	counts, err := s.store.Counts(ctx, CountsQuery{Projection: WordsProjection, Groups: groups, Chat: of})
	if err != nil {
		return nil, AsError(err)
	}
	sums := make(map[string]int64, len(counts))
	for _, c := range counts {
		sums[c.Counter] += c.Amount
	}
	list := []WordCount{}
	for _, w := range registry.Words {
		if w.Chat == of || w.Chat == "" && everything {
			list = append(list, WordCount{w, sums[WordCounter(w)]})
		}
	}
	slices.SortFunc(list, func(a, b WordCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Word.Word, b.Word.Word), cmp.Compare(a.Chat, b.Chat))
	})
	return list[:min(q.Limit, len(list))], nil
}

// WordCounter is the name of a word's counters.
func WordCounter(w Word) string { return strconv.FormatInt(w.ID, 10) }

// RegisteredWords implements Words.
func (s *WordService) RegisteredWords(ctx context.Context, known int64) (WordRegistry, error) {
	by := callerOf(ctx)
	identified, err := s.Access.identified(by)
	if err == nil && identified && !by.Service {
		err = Errorf(PermissionDenied, "the registered words of all chats are for services")
	}
	if err != nil {
		return WordRegistry{}, err
	}
	registry, err := s.store.ReadWords(ctx, known)
	registry.KeepHours = s.groups.KeepHours
	return registry, orNil(err)
}
