#include "core/event/json.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/event/canonical.h"
#include "core/event/json_reader.h"
#include "core/event/json_text.h"

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

  Result<Event> read(dom::object object) {
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
    if (!has_id_) event_.id = compute_id(event_);
    return std::move(event_);
  }

 private:
  enum Field : unsigned { kId = 1, kPubkey = 2, kTime = 4, kKind = 8, kTags = 16, kContent = 32, kSig = 64 };

  Status field(std::string_view key, dom::element value) {
    const unsigned bit = known(key);
    if (bit == 0) return {};
    if ((seen_ & bit) != 0) return wrong(key, "is there twice");
    seen_ |= bit;
    switch (bit) {
      case kId:
        if (value.is_null()) return {};
        has_id_ = true;
        return read_hex(key, value, style_, event_.id);
      case kPubkey:
        return read_hex(key, value, style_, event_.pubkey);
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
        return read_hex(key, value, style_, event_.sig);
    }
  }

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
      if (event_.tags.size() == limits_.event_tags) return error(ErrorCode::too_large, "tags has too many elements");
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
  FilterReader(const Limits& limits, json_reader::Style style) : room_(limits.filter_values), style_(style) {}

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
    static constexpr std::array<std::string_view, 6> kNames{"ids", "authors", "kinds", "since", "until", "limit"};
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
      default:
        return read_limit(value);
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
  const json_reader::Style style_;
  unsigned seen_ = 0;
};

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

Result<Event> read_event(dom::object object, const Limits& limits, Style style) {
  return EventReader(limits, style).read(object);
}

Result<Filter> read_filter(dom::object object, const Limits& limits, Style style) {
  return FilterReader(limits, style).read(object);
}

}  // namespace json_reader

Result<Event> parse_event_json(std::string_view json, const Limits& limits) {
  if (json.size() > limits.event_bytes) return error(ErrorCode::too_large, "the event is larger than allowed");
  dom::parser parser;
  const auto object = parse_object(parser, json, "the event");
  if (!object.ok()) return object.error();
  return json_reader::read_event(*object, limits, json_reader::Style::original);
}

std::string event_json(const Event& event) {
  std::string out;
  out.reserve(400 + event.content.size() + event.content.size() / 16 + event.tags.bytes() + 3 * event.tags.values() +
              3 * event.tags.size());
  out.append("{\"id\":");
  json_text::append_hex(out, event.id.view());
  out.append(",\"pubkey\":");
  json_text::append_hex(out, event.pubkey.view());
  out.append(",\"created_at\":");
  json_text::append_number(out, event.created_at);
  out.append(",\"kind\":");
  json_text::append_number(out, event.kind);
  out.append(",\"tags\":");
  json_text::append_tags(out, event.tags);
  out.append(",\"content\":");
  json_text::append_string(out, event.content);
  out.append(",\"sig\":");
  json_text::append_hex(out, event.sig.view());
  out.push_back('}');
  return out;
}

Result<Filter> parse_filter_json(std::string_view json, const Limits& limits) {
  dom::parser parser;
  const auto object = parse_object(parser, json, "the filter");
  if (!object.ok()) return object.error();
  return json_reader::read_filter(*object, limits, json_reader::Style::original);
}

}  // namespace np2p
