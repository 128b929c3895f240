#include "core/event/json.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/event/canonical.h"
#include "core/event/json_reader.h"
#include "core/event/json_text.h"
#include "core/event/size_limits.h"

namespace np2p {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kDepth = 16;  // an event needs four; the rest is for fields that we ignore

// NIP-01's hex is lower case: what is spelled otherwise has another id in the eyes of others.
bool is_lower_hex(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Error wrong(std::string_view field, std::string_view what) {
  return error(ErrorCode::bad_field, std::string(field) + " " + std::string(what));
}

Result<dom::object> parse_object(dom::parser& parser, std::string_view json, std::string_view what) {
  const auto root = json_reader::parse(parser, json, what);
  if (!root.ok()) return root.error();
  dom::object object;
  if (root->get(object) != simdjson::SUCCESS) {
    return np2p::error(ErrorCode::malformed, std::string(what) + " is not a JSON object");
  }
  return object;
}

// The original takes hex of either case, and knows the event by its lower-case id.
template <class Fixed>
Status read_hex(std::string_view field, dom::element value, json_reader::Style style, Fixed& out) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return wrong(field, "is not a string");
  const bool may_be = style == json_reader::Style::original || is_lower_hex(text);
  const auto parsed = may_be ? Fixed::parse_hex(text) : std::nullopt;
  if (!parsed) return wrong(field, "is not " + std::to_string(2 * Fixed::size) + " hex digits");
  out = *parsed;
  return {};
}

class EventReader {
 public:
  EventReader(const Limits& limits, json_reader::Style style) : limits_(limits), style_(style) {}

  Result<json_reader::ReadEvent> read(dom::object object) {
    for (const auto& [key, value] : object) {
      const Status status = field(key, value);
      if (!status.ok()) return status.error();
    }
    constexpr std::array<std::pair<unsigned, const char*>, 5> kNeeded{
        {{kPubkey, "pubkey"}, {kTime, "created_at"}, {kKind, "kind"}, {kContent, "content"}, {kSig, "sig"}}};
    for (const auto& [bit, name] : kNeeded) {
      if ((seen_ & bit) == 0) return wrong(name, "is missing");
    }
    if (style_ == json_reader::Style::nip01 && !has_id_) return wrong("id", "is missing");
    if (style_ == json_reader::Style::nip01 && !has_tags_) return wrong("tags", "is missing");
    const bool needs_tags = event_.kind == kind::profile || event_.kind == kind::follow_list;
    if (needs_tags && !has_tags_) return wrong("tags", "is missing or null, which kinds 0 and 3 may not leave out");
    if (event_.tags.size() > size_limits(event_.kind, limits_).tags) return too_many_tags();
    if (!has_id_) event_.id = compute_id(event_);
    return json_reader::ReadEvent{std::move(event_), plain_ && has_id_ && has_tags_};
  }

 private:
  enum Field : unsigned { kId = 1, kPubkey = 2, kTime = 4, kKind = 8, kTags = 16, kContent = 32, kSig = 64 };

  Status field(std::string_view key, dom::element value) {
    const unsigned bit = known(key);
    if (bit == 0) {
      plain_ = false;
      return {};
    }
    if ((seen_ & bit) != 0) return wrong(key, "is there twice");
    seen_ |= bit;
    switch (bit) {
      case kId:
        if (value.is_null()) return {};
        has_id_ = true;
        return hex(key, value, event_.id);
      case kPubkey:
        return hex(key, value, event_.pubkey);
      case kTime:
        if (value.get(event_.created_at) != simdjson::SUCCESS) return wrong(key, "is not an integer");
        return {};
      case kKind:
        return read_kind(value);
      case kTags:
        return read_tags(value);
      case kContent:
        return read_content(value);
      default:
        return hex(key, value, event_.sig);
    }
  }

  template <class Fixed>
  Status hex(std::string_view key, dom::element value, Fixed& out) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS && !is_lower_hex(text)) plain_ = false;
    return read_hex(key, value, style_, out);
  }

  static Error too_many_tags() { return error(ErrorCode::too_large, "the event has too many tags"); }

  static unsigned known(std::string_view key) noexcept {
    if (key == "id") return kId;
    if (key == "pubkey") return kPubkey;
    if (key == "created_at") return kTime;
    if (key == "kind") return kKind;
    if (key == "tags") return kTags;
    if (key == "content") return kContent;
    if (key == "sig") return kSig;
    return 0;
  }

  Status read_kind(dom::element value) {
    std::int64_t number = -1;
    if (value.get(number) != simdjson::SUCCESS || number < 0 || number > 65535) {
      return error(ErrorCode::bad_kind, "kind is not an integer from 0 to 65535");
    }
    event_.kind = static_cast<std::uint16_t>(number);
    return {};
  }

  Status read_tags(dom::element value) {
    if (value.is_null()) return {};
    has_tags_ = true;
    dom::array tags;
    if (value.get(tags) != simdjson::SUCCESS) return wrong("tags", "is not a list");
    for (const dom::element tag_element : tags) {
      dom::array tag;
      if (tag_element.get(tag) != simdjson::SUCCESS) return wrong("tags", "holds something that is not a list");
      if (event_.tags.size() == largest_size(limits_).tags) return too_many_tags();
      event_.tags.begin_tag();
      std::size_t values = 0;
      for (const dom::element tag_value : tag) {
        std::string_view text;
        if (tag_value.get(text) != simdjson::SUCCESS) return wrong("tags", "holds a value that is not a string");
        if (++values > limits_.tag_values) return error(ErrorCode::too_large, "a tag has too many values");
        event_.tags.add_value(text);
      }
    }
    return {};
  }

  Status read_content(dom::element value) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return wrong("content", "is not a string");
    event_.content = text;
    return {};
  }

  const Limits& limits_;
  const json_reader::Style style_;
  Event event_;
  unsigned seen_ = 0;
  bool has_id_ = false;
  bool has_tags_ = false;
  bool plain_ = true;
};

// A bound of a range: null and negative numbers mean that it is not given, a fraction is dropped.
Status read_number(std::string_view field, dom::element value, std::optional<std::int64_t>& out) {
  if (value.is_null()) return {};
  std::int64_t number = 0;
  if (double fraction = 0; value.is_double() && value.get(fraction) == simdjson::SUCCESS) {
    constexpr double kExact = 9007199254740992.0;  // 2^53: beyond, a float is no number of seconds or events
    if (!(fraction < kExact)) return wrong(field, "is out of range");
    number = fraction < 0 ? -1 : static_cast<std::int64_t>(fraction);
  } else if (value.get(number) != simdjson::SUCCESS) {
    return wrong(field, "is not a number in range");
  }
  if (number >= 0) out = number;
  return {};
}

class FilterReader {
 public:
  FilterReader(const Limits& limits, json_reader::Style style)
      : room_(limits.filter_values), search_bytes_(limits.search_bytes), style_(style) {}

  Result<Filter> read(dom::object object) {
    for (const auto& [key, value] : object) {
      const Status status = field(key, value);
      if (!status.ok()) return status.error();
    }
    return std::move(filter_);
  }

 private:
  // A "tag" that the original's client sends, like every field not named here, is ignored.
  Status field(std::string_view key, dom::element value) {
    if (key.size() == 2 && key[0] == '#' && is_letter(key[1])) return read_tag(key, value);
    static constexpr std::array<std::string_view, 7> kNames{"ids",   "authors", "kinds", "since",
                                                            "until", "limit",   "search"};
    const auto known = static_cast<unsigned>(std::find(kNames.begin(), kNames.end(), key) - kNames.begin());
    if (known == kNames.size()) {
      // What cannot be asked for must not come out as "everything".
      const bool tag = style_ == json_reader::Style::nip01 && !key.empty() && key[0] == '#';
      return tag ? wrong(key, "is no filter: only tags of one letter are indexed") : Status{};
    }
    if ((seen_ & 1u << known) != 0) return wrong(key, "is there twice");
    seen_ |= 1u << known;
    switch (known) {
      case 0:
        return read_list(key, value, filter_.ids,
                         [&](dom::element e, EventId& out) { return read_hex("ids: an id", e, style_, out); });
      case 1:
        return read_list(key, value, filter_.authors,
                         [&](dom::element e, PubKey& out) { return read_hex("authors: an author", e, style_, out); });
      case 2:
        return read_list(key, value, filter_.kinds, read_kind);
      case 3:
        return read_number(key, value, filter_.since);
      case 4:
        return read_number(key, value, filter_.until);
      case 5:
        return read_limit(value);
      default:
        return read_search(value);
    }
  }

  static bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

  static Status read_kind(dom::element value, std::uint32_t& out) {
    std::int64_t number = -1;
    if (value.get(number) != simdjson::SUCCESS || number < 0 || number > UINT32_MAX) {
      return wrong("kinds", "holds something that is not a kind");
    }
    out = static_cast<std::uint32_t>(number);
    return {};
  }

  Status read_limit(dom::element value) {
    std::optional<std::int64_t> limit;
    const Status status = read_number("limit", value, limit);
    if (limit) filter_.limit = static_cast<std::size_t>(*limit);
    return status;
  }

  Status read_search(dom::element value) {
    if (value.is_null()) return {};
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return wrong("search", "is not a string");
    if (text.size() > search_bytes_) return error(ErrorCode::too_large, "the search is longer than allowed");
    filter_.search = text;
    return {};
  }

  Status read_tag(std::string_view key, dom::element value) {
    const auto same_letter = [&](const auto& tag) { return tag.first == key[1]; };
    if (std::find_if(filter_.tags.begin(), filter_.tags.end(), same_letter) != filter_.tags.end()) {
      return wrong(key, "is there twice");
    }
    std::optional<std::vector<std::string>> values;
    const Status status = read_list(key, value, values, [&](dom::element e, std::string& out) -> Status {
      std::string_view text;
      if (e.get(text) != simdjson::SUCCESS) return wrong(key, "holds a value that is not a string");
      out = text;
      return {};
    });
    if (values) filter_.tags.emplace_back(key[1], std::move(*values));
    return status;
  }

  template <class Value, class Read>
  Status read_list(std::string_view key, dom::element value, std::optional<std::vector<Value>>& out, Read&& read) {
    if (value.is_null()) return {};
    dom::array list;
    if (value.get(list) != simdjson::SUCCESS) return wrong(key, "is not a list");
    out.emplace();
    for (const dom::element element : list) {
      if (room_ == 0) return error(ErrorCode::too_large, "the filter names too many values");
      --room_;
      const Status status = read(element, out->emplace_back());
      if (!status.ok()) return status;
    }
    return {};
  }

  Filter filter_;
  std::size_t room_;  // for this many more values
  std::size_t search_bytes_;
  const json_reader::Style style_;
  unsigned seen_ = 0;
};

constexpr std::array<std::string_view, 7> kFields{"id", "pubkey", "created_at", "kind", "tags", "content", "sig"};
constexpr std::string_view kUsualOrder = "0123456";

void append_value(std::string& out, const Event& event, std::size_t field) {
  switch (field) {
    case 0:
      return json_text::append_hex(out, event.id.view());
    case 1:
      return json_text::append_hex(out, event.pubkey.view());
    case 2:
      return json_text::append_number(out, event.created_at);
    case 3:
      return json_text::append_number(out, event.kind);
    case 4:
      return json_text::append_tags(out, event.tags);
    case 5:
      return json_text::append_string(out, event.content);
    default:
      return json_text::append_hex(out, event.sig.view());
  }
}

// `order` has the numbers of the fields as digits.
std::string written_in_order(const Event& event, std::string_view order) {
  std::string out;
  out.reserve(400 + event.content.size() + event.content.size() / 16 + event.tags.bytes() + 3 * event.tags.values() +
              3 * event.tags.size());
  for (const char digit : order) {
    const std::size_t field = std::min<std::size_t>(static_cast<std::size_t>(digit - '0'), kFields.size() - 1);
    out.append(out.empty() ? "{\"" : ",\"").append(kFields[field]).append("\":");
    append_value(out, event, field);
  }
  out.push_back('}');
  return out;
}

// In which order the fields of an object come, as above; empty if one of them is no field of an event. The text is
// JSON.
std::string order_of(std::string_view text) {
  std::string order;
  int depth = 0;
  bool name_is_next = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      const std::size_t begin = at + 1;
      for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\' ? 1 : 0;
      if (depth != 1 || !std::exchange(name_is_next, false)) continue;
      const auto field = std::find(kFields.begin(), kFields.end(), text.substr(begin, at - begin));
      if (field == kFields.end()) return {};
      order.push_back(static_cast<char>('0' + (field - kFields.begin())));
    } else if (c == '{' || c == '[') {
      name_is_next = ++depth == 1;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ',') {
      name_is_next = depth == 1;
    }
  }
  return order;
}

}  // namespace

namespace json_reader {

// The whole text is parsed and checked (also the fields that we ignore) before any field is looked at.
Result<dom::element> parse(dom::parser& parser, std::string_view json, std::string_view what) {
  const auto failed = [&](std::string_view why) {
    return np2p::error(ErrorCode::malformed, std::string(what) + " " + std::string(why));
  };
  if (json.empty()) return failed("is empty");
  if (parser.allocate(json.size(), kDepth) != simdjson::SUCCESS) return failed("does not fit into memory");
  dom::element root;
  const auto failure = parser.parse(json.data(), json.size()).get(root);
  if (failure == simdjson::UTF8_ERROR) return failed("is not UTF-8");
  if (failure == simdjson::DEPTH_ERROR) return failed("is nested too deeply");
  if (failure != simdjson::SUCCESS) return failed("is not JSON");
  return root;
}

Result<ReadEvent> read_event(dom::object object, const Limits& limits, Style style) {
  return EventReader(limits, style).read(object);
}

std::string_view sendable(std::string_view text, const ReadEvent& read) noexcept {
  constexpr std::string_view kSpace = " \t\n\r";
  if (!read.plain || text.empty()) return {};
  const auto begin = text.find_first_not_of(kSpace);
  const auto end = text.find_last_not_of(kSpace);
  const bool whole = begin != std::string_view::npos && text[begin] == '{' && text[end] == '}';
  return whole ? text.substr(begin, end + 1 - begin) : std::string_view{};
}

Result<Filter> read_filter(dom::object object, const Limits& limits, Style style) {
  return FilterReader(limits, style).read(object);
}

}  // namespace json_reader

// How large an event may be, the gate says (validation.h): of what is written with many escapes or spaces less is left.
Result<WrittenEvent> parse_written_event(std::string_view json, const Limits& limits) {
  if (json.size() > limits.client.message_bytes) {
    return error(ErrorCode::too_large, "the event is larger than allowed");
  }
  dom::parser parser;
  const auto object = parse_object(parser, json, "the event");
  if (!object.ok()) return object.error();
  auto read = json_reader::read_event(*object, limits, json_reader::Style::original);
  if (!read.ok()) return read.error();
  const std::string_view text = json_reader::sendable(json, *read);
  return WrittenEvent{std::move(read->event), text};
}

Result<Event> parse_event_json(std::string_view json, const Limits& limits) {
  auto written = parse_written_event(json, limits);
  if (!written.ok()) return written.error();
  return std::move(written->event);
}

std::string event_json(const EventPtr& event) {
  const std::string_view form = event.written();
  if (form.empty()) return event_json(event.get());
  return form.front() == '{' ? std::string(form) : written_in_order(event.get(), form);
}

std::string written_form(const Event& event, std::string_view text, std::size_t most) {
  if (text.empty()) return {};
  std::string order = order_of(text);
  if (order.size() == kUsualOrder.size() && text == written_in_order(event, order)) {
    return order == kUsualOrder ? std::string() : order;
  }
  return text.size() <= most ? std::string(text) : std::string();
}

std::string event_line(const EventPtr& event) {
  std::string line = event_json(event);
  // Inside a string of JSON they cannot stand.
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return line;
}

std::string event_json(const Event& event) {
  return written_in_order(event, kUsualOrder);
}

Result<Filter> parse_filter_json(std::string_view json, const Limits& limits) {
  dom::parser parser;
  const auto object = parse_object(parser, json, "the filter");
  if (!object.ok()) return object.error();
  return json_reader::read_filter(*object, limits, json_reader::Style::original);
}

}  // namespace np2p
