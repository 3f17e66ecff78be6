package chat

import "slices"

// An inbox is paged from the newest activity to the oldest. Meanwhile chats get messages and move to the top. Three facts
// ensure that the pages lose no chat:
//
//   - A chat that moves after the first page is above the mark, which is the newest position at the first page.
//   - Chats that have not moved keep their order. The chats that were not shown yet are the last of these. Their number can
//     only shrink: some may have moved or left the list.
//   - Moved chats are shown after the rest, the one that moved first at the beginning. A chat that moves again goes to the
//     end of them.
//
// So a cursor consists of the mark and the number of chats not shown yet. When none is left, the mark advances through the
// moved chats. If no chat moves, every chat comes once. A chat that moves after it was shown comes again. If other chats
// moved or left, a chat that did not move may come twice.
//
// Both numbers are in one integer that JavaScript reads exactly: 2^52, 15 bits of the number, and 37 bits of the mark. The
// mark is completed from the newest position in the list. That is unambiguous for a day and a half after the first page; a
// later page may lack chats. A smaller cursor is a position, as in earlier releases: the page begins there. It is still
// used while more than 32,767 chats are left.

const (
	markBits    = 37
	markSpan    = 1 << markBits
	pagedCursor = 1 << 52
	// manyLeft is the highest count of chats in a cursor.
	manyLeft = 1<<(52-markBits) - 1
)

// pageCursor is the position in an inbox's pages.
type pageCursor struct {
	mark int64 // a chat at or below it has not moved since the first page
	left int   // the number of these that were not shown yet, the last ones
}

func (c pageCursor) encode() int64 {
	return pagedCursor | int64(c.left)<<markBits | c.mark%markSpan
}

// decodePageCursor is the reverse of encode. newest is the list's newest position. The mark is above it only if that chat
// has left the list; decodePageCursor accepts marks up to an eighth of the span above.
func decodePageCursor(cursor, newest int64) pageCursor {
	highest := newest + markSpan/8
	return pageCursor{
		mark: highest - (highest-cursor%markSpan)%markSpan,
		left: int(cursor >> markBits & manyLeft),
	}
}

// markOf returns the mark of a first page. The chats were not read at the same moment. A chat that moves after its read
// may be below another one that moved before its own read. But every such move is at or above the earliest read.
func markOf(chats []listed) int64 {
	mark := chats[0].Position
	for _, c := range chats {
		if c.Read > 0 {
			mark = min(mark, c.Read-1)
		}
	}
	if chats[0].Position-mark > markSpan/2 { // by a clock that went back so far
		mark = chats[0].Position
	}
	return mark
}

// pageOf returns a page of chats, which are sorted newest first, and the next cursor, or 0. Chats of one position are
// always on one page.
func pageOf(chats []listed, cursor int64, limit int) (page []listed, next int64) {
	if len(chats) == 0 {
		return nil, 0
	}
	begin, mark, paged := 0, int64(0), cursor >= pagedCursor
	if paged {
		at := decodePageCursor(cursor, chats[0].Position)
		mark, begin = at.mark, max(above(chats, at.mark), len(chats)-at.left)
	} else {
		mark = markOf(chats)
		if cursor > 0 {
			begin = above(chats, cursor)
		}
	}
	moved := above(chats, mark)
	if paged && begin == len(chats) {
		return movedPage(chats[:moved], limit)
	}
	end := begin + endOfPage(chats[begin:], limit)
	left := len(chats) - max(end, moved)
	switch {
	case left > manyLeft:
		next = chats[end].Position
	case left > 0, end < moved, paged && moved > 0:
		next = pageCursor{mark, left}.encode()
	}
	return chats[begin:end], next
}

// movedPage returns a page of the moved chats, starting with those that moved first. Within the page they are sorted as on
// any other page. The cursor's mark is the last position shown.
func movedPage(moved []listed, limit int) (page []listed, next int64) {
	backwards := slices.Clone(moved)
	slices.Reverse(backwards)
	end := endOfPage(backwards, limit)
	if end < len(moved) {
		next = pageCursor{mark: backwards[end-1].Position}.encode()
	}
	return moved[len(moved)-end:], next
}

// above counts the chats above a position.
func above(chats []listed, position int64) int {
	if n := slices.IndexFunc(chats, func(c listed) bool { return c.Position <= position }); n >= 0 {
		return n
	}
	return len(chats)
}

// endOfPage returns the end of a page that begins with the first chat. It does not separate chats of one position.
func endOfPage(chats []listed, limit int) int {
	end := min(limit, len(chats))
	for end > 0 && end < len(chats) && chats[end].Position == chats[end-1].Position {
		end++
	}
	return end
}
