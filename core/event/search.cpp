#include "core/event/search.h"

#include <simdjson.h>

#include <algorithm>

namespace np2p {
namespace {

constexpr std::size_t kLongestWord = 64;  // bytes; what is longer is cut, for both sides alike

struct Character {
  char32_t code = 0;
  std::size_t size = 1;
};

// The character at the beginning of a text that is not empty. What is no UTF-8 (there is none in a valid event) reads
// as a separator.
Character first_character(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF8 ? 0 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
  if (size == 0 || size > text.size()) return {};
  char32_t code = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (at(i) & 0x3Fu);
  }
  return {code, size};
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

struct Range {
  char32_t first;
  char32_t last;
};

template <std::size_t count>
bool in(const Range (&ranges)[count], char32_t code) noexcept {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [&](const Range& range) { return code >= range.first && code <= range.last; });
}

// Beyond ASCII: punctuation, spaces and signs.
bool separates(char32_t code) noexcept {
  static constexpr Range kSeparators[] = {{0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},     {0xBB, 0xBF},
                                          {0xD7, 0xD7},     {0xF7, 0xF7},     {0x2000, 0x206F}, {0x20A0, 0x20CF},
                                          {0x2190, 0x23FF}, {0x2500, 0x25FF}, {0x3000, 0x3004}, {0x3008, 0x3020},
                                          {0x3030, 0x3030}, {0x30FB, 0x30FB}, {0xFE00, 0xFE6F}, {0xFF00, 0xFF0F},
                                          {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}};
  return in(kSeparators, code);
}

// Scripts without spaces between words.
bool is_dense(char32_t code) noexcept {
  static constexpr Range kDense[] = {{0x0E00, 0x0EFF}, {0x3005, 0x3007}, {0x3040, 0x30FF},
                                     {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xAC00, 0xD7AF},
                                     {0xF900, 0xFAFF}, {0xFF66, 0xFF9F}, {0x20000, 0x3FFFF}};
  return code >= 0x0E00 && in(kDense, code);
}

bool is_letter_or_digit(char32_t code) noexcept {
  if (code >= 0x80) return !separates(code);
  return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}

// Lower case of the alphabets that have it; the full-width forms of ASCII become ASCII.
char32_t fold(char32_t code) noexcept {
  const auto within = [&](char32_t first, char32_t last) { return code >= first && code <= last; };
  if (within(0xFF10, 0xFF5A)) code -= 0xFEE0;
  if (within('A', 'Z') || within(0xC0, 0xDE) || within(0x391, 0x3A9) || within(0x410, 0x42F)) return code + 32;
  if (code < 0x100) return code;
  const bool even = code % 2 == 0;
  if (within(0x100, 0x137) || within(0x14A, 0x177)) return even ? code + 1 : code;
  if (within(0x139, 0x148) || within(0x179, 0x17E)) return even ? code : code + 1;
  if (code == 0x178) return 0xFF;
  if (code == 0x386) return 0x3AC;
  if (within(0x388, 0x38A)) return code + 37;
  if (code == 0x38C) return 0x3CC;
  if (within(0x38E, 0x38F)) return code + 63;
  if (code == 0x3C2) return 0x3C3;  // a sigma at the end of a word
  if (within(0x400, 0x40F)) return code + 80;
  if (within(0x531, 0x556)) return code + 48;
  return code;
}

// Splits a text into runs: of a script with spaces, or of one without.
template <class Word, class Dense>
void split(std::string_view text, Word&& word, Dense&& dense) {
  std::string run;
  std::vector<std::string> characters;
  const auto end = [&] {
    if (!run.empty()) word(run);
    if (!characters.empty()) dense(characters);
    run.clear();
    characters.clear();
  };
  while (!text.empty()) {
    const Character next = first_character(text);
    text.remove_prefix(next.size);
    if (!is_letter_or_digit(next.code)) {
      end();
    } else if (is_dense(next.code)) {
      if (!run.empty()) end();
      append_utf8(characters.emplace_back(), next.code);
    } else {
      if (!characters.empty()) end();
      if (run.size() < kLongestWord) append_utf8(run, fold(next.code));
    }
  }
  end();
}

template <class Item, class Less>
void sort_once(std::vector<Item>& items, Less less) {
  std::sort(items.begin(), items.end(), less);
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

// Every character of a dense run begins a word: a pair, or the last one alone.
void add_words(std::string_view text, std::vector<std::string>& out) {
  split(
      text, [&](const std::string& word) { out.push_back(word); },
      [&](const std::vector<std::string>& run) {
        for (std::size_t i = 0; i + 1 < run.size(); ++i) out.push_back(run[i] + run[i + 1]);
        out.push_back(run.back());
      });
}

// A profile is a JSON object; one that is not is taken as it stands.
void add_profile(const std::string& content, std::vector<std::string>& out) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (content.empty() || parser.parse(content.data(), content.size()).get(object) != simdjson::SUCCESS) {
    return add_words(content, out);
  }
  for (const auto& [key, value] : object) {
    std::string_view text;
    const bool said = key == "name" || key == "display_name" || key == "about" || key == "nip05";
    if (said && value.get(text) == simdjson::SUCCESS) add_words(text, out);
  }
}

}  // namespace

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  add_words(text, found);
  sort_once(found, std::less<>());
  return found;
}

std::vector<std::string> words_of(const Event& event) {
  std::vector<std::string> found;
  if (event.kind == kind::profile) {
    add_profile(event.content, found);
  } else {
    add_words(event.content, found);
  }
  for (std::size_t i = 0; event.kind == kind::article && i < event.tags.size(); ++i) {
    if (event.tags[i].name() == "title") add_words(event.tags[i].first(), found);
  }
  sort_once(found, std::less<>());
  return found;
}

std::vector<SearchWord> search_words(std::string_view search) {
  std::vector<SearchWord> found;
  while (!search.empty()) {
    const auto space = std::min(search.find_first_of(" \t\r\n"), search.size());
    const std::string_view part = search.substr(0, space);
    search.remove_prefix(std::min(space + 1, search.size()));
    const auto colon = part.find(':');
    const bool extension = colon != 0 && colon != std::string_view::npos && colon + 1 < part.size() &&
                           part[colon + 1] != '/' &&
                           std::all_of(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(colon),
                                       [](char c) { return c == '-' || c == '_' || (c >= 'a' && c <= 'z'); });
    if (extension) continue;
    const bool open = part.size() > 1 && part.back() == '*';
    split(
        part,
        [&](const std::string& word) {
          found.push_back({word, open});
        },
        [&](const std::vector<std::string>& run) {
          if (run.size() == 1) found.push_back({run[0], true});
          for (std::size_t i = 0; i + 1 < run.size(); ++i) found.push_back({run[i] + run[i + 1], false});
        });
  }
  sort_once(found, [](const SearchWord& a, const SearchWord& b) {
    return a.text != b.text ? a.text < b.text : a.prefix < b.prefix;
  });
  return found;
}

bool found_by(const std::vector<SearchWord>& search, const Event& event) {
  if (!is_searched(event.kind)) return false;
  const std::vector<std::string> there = words_of(event);
  return std::all_of(search.begin(), search.end(), [&](const SearchWord& word) {
    const auto at = std::lower_bound(there.begin(), there.end(), word.text);
    return at != there.end() && (word.prefix ? at->rfind(word.text, 0) == 0 : *at == word.text);
  });
}

}  // namespace np2p
