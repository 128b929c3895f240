// How an event lies in a database row: id, author, kind and time are columns, the rest is one compact body. Reading it
// back gives the same event byte for byte, or nothing if the row has rotted: the id is the hash of everything but the
// signature, and the signature has a checksum of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/event/event.h"

namespace np2p {

// The body: checksum of the signature (8 bytes), signature (64), tags, content.
ByteVec encode_body(const Event& event);
// How its client wrote it (EventPtr::written()), with a checksum (8 bytes) in front; empty if there is nothing to keep.
ByteVec encode_written(const EventPtr& event);

// `head` has the columns filled in. Nothing if the body does not parse or any checksum fails; if only `written` has
// rotted, the event without it.
EventPtr decode_row(Event head, ByteView body, ByteView written = {});

// The first eight bytes of an id or key as a number that sorts as the bytes do, also as SQLite's signed integer.
std::int64_t sortable_head(ByteView bytes) noexcept;

// What stands for one value of a single-letter tag in the tag index. Different values may meet in one key, so whoever
// finds an event by it still has to look at the event.
std::int64_t tag_key(char letter, std::string_view value) noexcept;

// The keys of all single-letter tags of an event, each once, ascending.
std::vector<std::int64_t> tag_keys(const Event& event);

}  // namespace np2p
