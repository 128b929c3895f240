// The index of words (NIP-50): SQLite's FTS5 without a copy of the texts, filled with what event/search.h makes of
// them. Events are taken in by the hundred and not one by one, which would cost each publish several pages; what is not
// in yet is taken in before anybody searches. `searched` says up to which row all are in.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/event/event.h"
#include "core/event/search.h"
#include "core/store/sqlite_db.h"

namespace np2p {

class SearchRows {
 public:
  using Seq = std::int64_t;
  using Load = std::function<EventPtr(Seq)>;

  explicit SearchRows(Database& db);

  void inserted(Seq seq, std::uint16_t kind);
  void removing(Seq seq, const Event& event);  // before the row goes
  void row_gone(Seq seq);                      // of a row whose words nobody knows any more

  [[nodiscard]] std::size_t waiting();
  // Takes in the next `most` rows.
  void take_in(std::size_t most, const Load& load);

  // Rows with all these words (at least one), the one stored last first, until visit says false. All that is stored has
  // to be taken in.
  void each(const std::vector<SearchWord>& words, const std::function<bool(Seq)>& visit);

  void forget() noexcept;  // after a rollback

 private:
  [[nodiscard]] Seq upto();
  void set_upto(Seq seq);

  Statement get_upto_;
  Statement put_upto_;
  Statement count_waiting_;
  Statement waiting_rows_;
  Statement insert_;
  Statement remove_;
  Statement find_;
  std::optional<Seq> upto_;
  std::optional<std::size_t> waiting_;
};

}  // namespace np2p
