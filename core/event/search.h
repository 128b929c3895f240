// Full-text search (NIP-50): which words a text has, which events are searched, and what a search means. Profiles,
// posts and articles are searched; the words of a search must all be there, in any order.
//
// Words are runs of letters and digits without regard to case. Scripts that put no spaces between words (Chinese,
// Japanese, Korean, Thai) have pairs of neighbouring characters for words, so every part of a sentence is found.
// Databases hold what words() gave when they were filled: whoever changes it has to raise kSchemaVersion
// (core/store/sqlite_schema.h) and fill the index anew.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/event/event.h"
#include "core/event/kinds.h"

namespace np2p {

constexpr bool is_searched(std::uint16_t k) noexcept {
  return k == kind::profile || k == kind::post || k == kind::article;
}

// What is found by it: ascending, each once, lower-case ASCII letters and digits and whatever is not ASCII.
std::vector<std::string> words(std::string_view text);
// Of an event that is searched: its content; of a profile what it says, without the names of its fields; of an article
// the title, too.
std::vector<std::string> words_of(const Event& event);

struct SearchWord {
  std::string text;
  bool prefix = false;  // whatever begins with it will do: "nost*", or a single character of a script without spaces
  friend bool operator==(const SearchWord&, const SearchWord&) = default;
};

// The words of a search; extensions of NIP-50 (key:value), none of which we know, are left out. Each once.
std::vector<SearchWord> search_words(std::string_view search);
bool found_by(const std::vector<SearchWord>& search, const Event& event);

}  // namespace np2p
