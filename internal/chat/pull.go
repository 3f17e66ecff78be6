package chat

import "context"

// maxRounds bounds the reads for one page, which may come up short because messages of ignored users are left out.
const maxRounds = 5

// pull is one request on its way to a page.
type pull struct {
	index   int // of the request
	chat    string
	asked   Range
	limit   int
	ignored map[string]bool // messages of these users are left out

	cursor int64 // the next position if nothing is read
	page   Page  // the messages read so far
}

// Pull implements Service.
func (s *MessageService) Pull(ctx context.Context, r PullRequest) (Page, error) {
	result := s.PullAll(ctx, []Pulling{{r, callerOf(ctx)}})[0]
	return result.Page, result.Err
}

// PullAll is Pull for many requests at once. It validates each separately; the results are in the order of requests.
func (s *MessageService) PullAll(ctx context.Context, requests []Pulling) []PullResult {
	results := make([]PullResult, len(requests))
	pulls := make([]pull, 0, len(requests))
	readers := false
	for i := range requests {
		r := &requests[i]
		if by := r.By; r.Request.Unread && r.Request.Reader == "" && by.User != "" && !by.Service {
			r.Request.Reader = by.User
		}
		asked, err := s.checkPull(r.Request, r.By)
		if err != nil {
			results[i].Err = err
			continue
		}
		readers = readers || r.Request.Reader != ""
		pulls = append(pulls, pull{index: i, chat: r.Request.Chat, asked: asked, limit: asked.Limit - 1, cursor: r.Request.Cursor})
	}
	if readers {
		pulls = s.withReaders(ctx, pulls, requests, results)
	}
	for round := 1; len(pulls) > 0; round++ {
		pulls = s.pullRound(ctx, pulls, results, round == maxRounds)
	}
	return results
}

// withReaders sets each reader's ignored users and start. Pulls of readers that could not be read fail, and are left out.
func (s *MessageService) withReaders(ctx context.Context, pulls []pull, requests []Pulling, results []PullResult) []pull {
	var queries []PositionQuery
	for i := range pulls {
		if reader := requests[pulls[i].index].Request.Reader; reader != "" {
			queries = append(queries, PositionQuery{Chat: pulls[i].asked.Chat, Reader: reader})
		}
	}
	known := s.ReaderStore.ReaderPositions(ctx, queries)
	kept := pulls[:0]
	for _, p := range pulls {
		r := &requests[p.index].Request
		if r.Reader == "" {
			kept = append(kept, p)
			continue
		}
		query := known[0]
		known = known[1:]
		if query.Err != nil {
			results[p.index].Err = AsError(query.Err)
			continue
		}
		p.ignored = query.Ignored
		if r.Unread {
			p.cursor, p.asked.From = query.Cursor, query.Cursor
		}
		kept = append(kept, p)
	}
	return kept
}

// pullRound reads once for each pull, and returns the pulls that must read more.
func (s *MessageService) pullRound(ctx context.Context, pulls []pull, results []PullResult, last bool) []pull {
	ranges := make([]Range, len(pulls))
	for i := range pulls {
		ranges[i] = pulls[i].asked
	}
	ranged := s.store.Range(ctx, ranges)
	open := pulls[:0]
	for i, p := range pulls {
		if ranged[i].Err != nil {
			results[p.index].Err = AsError(ranged[i].Err)
			continue
		}
		page, done := p.take(&ranged[i])
		if !done && !last {
			p.asked.Limit = max(p.asked.Limit, s.limits.MaxLimit+1)
			open = append(open, p)
			continue
		}
		results[p.index].Page = page
	}
	return open
}

// take adds the messages that were read and returns the page. The pull is not done while it is unknown whether there is
// more; such a page has HasMore set.
func (p *pull) take(read *Ranged) (page Page, done bool) {
	n := read.len()
	full := n == p.asked.Limit
	if n > 0 {
		p.step(read.head(n - 1).Position)
	}
	if p.asked.Reverse && p.cursor == 0 { // a cursor of 0 would begin again, with the newest
		full = false
	}
	for i := range n {
		if len(p.ignored) > 0 && read.head(i).Hidden(p.ignored) {
			continue
		}
		if p.page.Len() == p.limit {
			page = p.page
			page.HasMore, page.NextCursor = true, read.head(i).Position
			return page, true
		}
		p.keep(read, i)
	}
	page = p.page
	switch {
	case full:
		page.HasMore, page.NextCursor = true, p.cursor
		return page, false
	case !p.asked.Reverse:
		page.NextCursor = p.cursor
	}
	return page, true
}

// keep adds message i of those that were read.
func (p *pull) keep(read *Ranged, i int) {
	if read.Entries != nil {
		if p.page.Entries == nil {
			p.page.Entries = read.Entries[:0] // as below
		}
		p.page.Entries = append(p.page.Entries, read.Entries[i])
		return
	}
	read.Messages[i].Chat = p.chat
	if p.page.Messages == nil {
		p.page.Messages = read.Messages[:0] // the pull owns read; no index is ahead of i
	}
	p.page.Messages = append(p.page.Messages, read.Messages[i])
}

// step advances past a position.
func (p *pull) step(position int64) {
	p.cursor = position + 1
	if p.asked.Reverse {
		p.cursor = position - 1
	}
	p.asked.From = p.cursor
}

// checkPull returns the range to read. One message more than requested shows whether there is more, and where it starts.
func (s *MessageService) checkPull(r PullRequest, by Caller) (Range, error) {
	id, err := ParseID(r.Chat)
	if err == nil {
		err = checkCursor(r.Cursor)
	}
	if err == nil && r.Reader != "" {
		err = s.checkReader(id, r, by)
	}
	if err == nil {
		err = CheckLimit(r.Limit)
	}
	switch {
	case err != nil:
		return Range{}, err
	case r.Unread && r.Reader == "":
		return Range{}, Errorf(InvalidArgument, "unread needs a reader")
	case r.Unread && (r.Reverse || r.Cursor != 0):
		return Range{}, Errorf(InvalidArgument, "unread starts at the reader's cursor; leave out cursor and reverse")
	}
	member, err := s.Access.member(id, r.Chat, by)
	if err != nil {
		return Range{}, err
	}
	asked := Range{Chat: id, Member: member, Exists: s.Access.mustExist(id, by), From: r.Cursor, Reverse: r.Reverse, Limit: s.limits.page(r.Limit) + 1, Raw: r.Raw}
	asked.User = readingUser(r.Reader, by)
	if r.Reverse && r.Cursor == 0 {
		asked.From = MaxCursor
	}
	return asked, nil
}

// readingUser returns the user of a reader, or else the caller. A service reads for itself only.
func readingUser(reader string, by Caller) string {
	switch {
	case reader != "":
		return UserOf(reader)
	case by.Service:
		return ""
	}
	return by.User
}

func (s *MessageService) checkReader(id ID, r PullRequest, by Caller) error {
	if s.ReaderStore == nil {
		return Errorf(NotFound, "this rpc-server keeps no readers")
	}
	_, err := s.Access.reader(id, r.Chat, r.Reader, by)
	return err
}

// page returns the size of a page for a requested limit, which is not negative.
func (l Limits) page(asked int64) int {
	if asked == 0 {
		return l.DefaultLimit
	}
	return int(min(asked, int64(l.MaxLimit)))
}

// CheckLimit returns why no page may have this limit, or nil.
func CheckLimit(limit int64) error {
	if limit < 0 {
		return Errorf(InvalidArgument, "limit is %d; it must not be negative", limit)
	}
	return nil
}
