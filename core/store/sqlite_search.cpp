#include "core/store/sqlite_search.h"

#include <algorithm>

namespace np2p {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(word).push_back(' ');
  return text;
}

// Words have no quotes in them (event/search.h).
std::string expression(const std::vector<SearchWord>& words) {
  std::string text;
  for (const SearchWord& word : words) text += '"' + word.text + (word.prefix ? "\"* " : "\" ");
  return text;
}

}  // namespace

SearchRows::SearchRows(Database& db)
    : get_upto_(db, "SELECT upto FROM searched"),
      put_upto_(db, "UPDATE searched SET upto=?"),
      // The kinds are those of is_searched().
      count_waiting_(db, "SELECT count(*) FROM event WHERE seq>? AND kind IN (0,1,30023)"),
      waiting_rows_(db, "SELECT seq, kind FROM event WHERE seq>? ORDER BY seq LIMIT ?"),
      insert_(db, "INSERT INTO search(rowid, words) VALUES(?,?)"),
      remove_(db, "INSERT INTO search(search, rowid, words) VALUES('delete',?,?)"),
      find_(db, "SELECT rowid FROM search WHERE search MATCH ? ORDER BY rowid DESC") {}

SearchRows::Seq SearchRows::upto() {
  if (!upto_) {
    Use use(get_upto_);
    upto_ = use.row() ? use.number(0) : 0;
  }
  return *upto_;
}

void SearchRows::set_upto(Seq seq) {
  upto_ = seq;
  Use(put_upto_).bind(seq).run();
}

std::size_t SearchRows::waiting() {
  if (!waiting_) {
    Use use(count_waiting_);
    use.bind(upto());
    waiting_ = use.row() ? static_cast<std::size_t>(use.number(0)) : 0;
  }
  return *waiting_;
}

void SearchRows::inserted(Seq seq, std::uint16_t kind) {
  if (seq <= upto()) set_upto(seq - 1);  // SQLite gives the numbers of the last rows again once these are gone
  if (waiting_ && is_searched(kind)) ++*waiting_;
}

void SearchRows::removing(Seq seq, const Event& event) {
  if (is_searched(event.kind) && seq <= upto()) {
    const std::string text = joined(words_of(event));
    Use(remove_).bind(seq).bind_text(text).run();
  } else if (is_searched(event.kind)) {
    waiting_.reset();
  }
  row_gone(seq);
}

void SearchRows::row_gone(Seq seq) {
  if (seq == upto()) set_upto(seq - 1);
}

void SearchRows::take_in(std::size_t most, const Load& load) {
  std::vector<Seq> rows;
  Seq last = upto();
  {
    Use use(waiting_rows_);
    use.bind(last).bind(static_cast<std::int64_t>(most));
    while (use.row()) {
      last = use.number(0);
      if (is_searched(static_cast<std::uint16_t>(use.number(1)))) rows.push_back(last);
    }
  }
  for (const Seq seq : rows) {
    const EventPtr event = load(seq);
    if (!event) continue;  // rotten: found out and set aside when it is met elsewhere
    const std::string text = joined(words_of(event.get()));
    Use(insert_).bind(seq).bind_text(text).run();
  }
  if (last != upto()) set_upto(last);
  waiting_.reset();
}

void SearchRows::each(const std::vector<SearchWord>& words, const std::function<bool(Seq)>& visit) {
  const std::string text = expression(words);
  Use use(find_);
  use.bind_text(text);
  while (use.row()) {
    if (!visit(use.number(0))) return;
  }
}

void SearchRows::forget() noexcept {
  upto_.reset();
  waiting_.reset();
}

}  // namespace np2p
