#include "core/event/json_text.h"

#include <array>
#include <charconv>

namespace np2p::json_text {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

// 0: stands as it is; 'u': \u00xx; anything else: the letter after the backslash.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\n'] = 'n';
  table['"'] = '"';
  table['\\'] = '\\';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['\b'] = 'b';
  table['\f'] = 'f';
  return table;
}();

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<std::uint8_t>(text[i]);
    const char escape = kEscapes[c];
    if (escape == 0) [[likely]]
      continue;
    out.append(text, copied, i - copied);
    copied = i + 1;
    if (escape == 'u') {
      const char code[] = {'\\', 'u', '0', '0', kDigits[c >> 4], kDigits[c & 15]};
      out.append(code, sizeof code);
    } else {
      const char code[] = {'\\', escape};
      out.append(code, sizeof code);
    }
  }
  out.append(text, copied, text.size() - copied);
  out.push_back('"');
}

void append_number(std::string& out, std::int64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

void append_hex(std::string& out, ByteView bytes) {
  std::size_t at = out.size();
  out.resize(at + 2 * bytes.size() + 2, '"');
  for (const std::uint8_t byte : bytes) {
    out[++at] = kDigits[byte >> 4];
    out[++at] = kDigits[byte & 15];
  }
}

void append_tags(std::string& out, const Tags& tags) {
  out.push_back('[');
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (i > 0) out.push_back(',');
    out.push_back('[');
    const Tags::Tag tag = tags[i];
    for (std::size_t j = 0; j < tag.size(); ++j) {
      if (j > 0) out.push_back(',');
      append_string(out, tag[j]);
    }
    out.push_back(']');
  }
  out.push_back(']');
}

}  // namespace np2p::json_text
