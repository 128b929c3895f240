// The tags of an event: a list of lists of strings, in one text arena with two index vectors instead of a string object
// per value. Built once with begin_tag() and add_value(), then only read.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace np2p {

class Tags {
 public:
  class Tag {  // a view; valid as long as its Tags
   public:
    [[nodiscard]] std::size_t size() const noexcept { return last_ - first_; }
    [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept { return tags_->value(first_ + i); }
    // The tag's name and first value; empty if it has none.
    [[nodiscard]] std::string_view name() const noexcept { return size() > 0 ? (*this)[0] : std::string_view{}; }
    [[nodiscard]] std::string_view first() const noexcept { return size() > 1 ? (*this)[1] : std::string_view{}; }

   private:
    friend class Tags;
    Tag(const Tags* tags, std::size_t first, std::size_t last) : tags_(tags), first_(first), last_(last) {}
    const Tags* tags_;
    std::size_t first_;
    std::size_t last_;
  };

  void reserve(std::size_t tags, std::size_t values, std::size_t bytes) {
    tag_ends_.reserve(tags);
    value_ends_.reserve(values);
    text_.reserve(bytes);
  }
  void begin_tag() { tag_ends_.push_back(static_cast<std::uint32_t>(value_ends_.size())); }
  void add_value(std::string_view value) {  // to the tag begun last
    text_.append(value);
    value_ends_.push_back(static_cast<std::uint32_t>(text_.size()));
    tag_ends_.back() = static_cast<std::uint32_t>(value_ends_.size());
  }
  void add(std::initializer_list<std::string_view> values) {
    begin_tag();
    for (const auto value : values) add_value(value);
  }

  [[nodiscard]] std::size_t size() const noexcept { return tag_ends_.size(); }
  [[nodiscard]] bool empty() const noexcept { return tag_ends_.empty(); }
  [[nodiscard]] Tag operator[](std::size_t i) const noexcept {
    return {this, i == 0 ? 0 : tag_ends_[i - 1], tag_ends_[i]};
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return text_.size(); }
  [[nodiscard]] std::size_t values() const noexcept { return value_ends_.size(); }  // of all tags together
  [[nodiscard]] std::string_view text() const noexcept { return text_; }            // all values, one behind the other
  friend bool operator==(const Tags&, const Tags&) = default;

 private:
  [[nodiscard]] std::string_view value(std::size_t i) const noexcept {
    const std::uint32_t begin = i == 0 ? 0 : value_ends_[i - 1];
    return std::string_view(text_).substr(begin, value_ends_[i] - begin);
  }
  std::string text_;
  std::vector<std::uint32_t> value_ends_;  // in text_
  std::vector<std::uint32_t> tag_ends_;    // in value_ends_
};

}  // namespace np2p
