// Our user's guardians, up to three, who keep what does not reach us while we are away: chosen among those who follow
// our user and whom our user follows, else among followers, else among followees, and only among those who can be
// reached now. Each is told again every two hours that we are there; who has not answered for a day is replaced.
//
// Back again (after a start, or after a while without neighbours) we collect: ask each what there is, and fetch what of
// that we do not have, by what we got so far and by our positions in the streams (positions.h). What two of them hold
// is fetched from one; what the first does not deliver after all, from the other. Each is asked for a share at a time,
// of about a second, so that all who have it bring it and one that is slow keeps nothing back for long; authors are not
// asked meanwhile (expects()). Once it is durable here it is acknowledged and deleted there.
//
// A guardian can hold back, but not invent: letters pass the same gate as everything else, and what nobody asked for is
// refused. Nor can it make us believe that we have what it holds back: what it says of numbers counts for itself alone.
// From the others a number is not fetched again, and they may delete it, only once our position in that stream is
// beyond it, that is, once the events of which a head of the author's node tells are in the store.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/rng.h"
#include "core/feed/followers.h"
#include "core/feed/follows.h"
#include "core/feed/mail_post.h"
#include "core/feed/mail_status.h"
#include "core/feed/seq_set.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"

namespace np2p {

class Wardship {
 public:
  // How far we have got in an author's stream (positions.h): with everything up to there in the store.
  using Position = std::function<std::optional<StreamPosition>(const PubKey&)>;
  Wardship(const Config& config, Host& host, const Follows& follows, const Followers& followers, Position position,
           MailPost post);

  void load();
  void returned();          // collect
  void follows_changed();   // guardians hear of it soon: they take mail from those alone
  void topology_changed();  // there may be a way to whom there was none
  void on(const Guarded& message, const Delivery& from);
  void on(const MailIndex& message, const Delivery& from);
  // The letters, as if they had come over their own channels.
  std::vector<Delivery> on(const MailPart& message, const Delivery& from);
  void taken(const Delivery& from);  // the letters of that part have passed the gate
  void durable(Ticket ticket);
  [[nodiscard]] std::optional<MonoTime> next_due() const;
  void due(MonoTime now);

  // Those who have agreed; what FOLLOW names.
  [[nodiscard]] std::vector<PubKey> guardians() const;
  // A guardian is about to bring this letter, or may say in a moment that it has it: nobody else need be asked.
  [[nodiscard]] bool expects(const MailStream& stream, std::uint64_t seq) const;
  // How many were asked what there is, since we were back, and how many said it.
  [[nodiscard]] std::pair<std::size_t, std::size_t> answers() const noexcept;
  [[nodiscard]] const Return& last_return() const noexcept { return return_; }
  // Whose letters came: they keep back what they post until they hear from us.
  [[nodiscard]] std::vector<PubKey> take_authors() { return std::exchange(authors_, {}); }
  [[nodiscard]] bool take_news() noexcept { return std::exchange(news_, false); }  // they are others than before
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Came {                   // a letter
    std::vector<MailSpan> spans;  // of what was asked for
    std::uint8_t channel = 0;
    Frame payload;
  };
  using Given = std::map<MailStream, SeqSet>;
  struct Guardian {
    bool accepted = false;
    WallTime heard;           // its last answer
    MonoTime due;             // the next Guard
    unsigned unanswered = 0;  // Guards since the last answer
    // --- what is collected
    bool answered = false;      // since we were back
    bool brought_some = false;  // likewise
    bool collecting = false;
    bool fetching = false;         // it was asked for `asked`
    MonoTime ask_at;               // the next Collect, or the end of our patience with what was asked for
    unsigned asks = 0;             // without an answer
    unsigned no_way = 0;           // attempts to ask
    unsigned barren = 0;           // indexes since there was anything new
    unsigned refusals = 0;         // by our store, since it took something
    std::size_t fresh = 0;         // letters that were new since collecting began
    std::vector<MailRange> index;  // of it what was not asked for yet
    bool whole = false;            // that is all there is
    bool unconfirmed = false;      // what came is not known to be deleted there
    std::vector<MailRange> asked;
    std::uint64_t share = 0;  // how many numbers it is asked for at once; 0: not known how fast it is
    MonoTime asked_at;
    MonoTime came_at;           // the last letter of that
    std::size_t brought = 0;    // bytes of that
    std::size_t bytes = 0;      // of letters since collecting began
    std::vector<Came> came;     // and are at the gate
    std::vector<MailSpan> got;  // it can delete: of the letters that passed, or are junk
    Given given;                // numbers for which it has sent something, as long as anything is collected
    std::size_t given_spans = 0;
    bool ended = false;              // the last part came
    std::optional<Ticket> finished;  // after this one nothing is left of what was asked for
  };
  using Guardians = std::map<PubKey, Guardian>;
  static constexpr Duration kPatience = 10s;  // with a guardian that sends nothing more

  void choose(MonoTime now);
  [[nodiscard]] std::vector<PubKey> candidates() const;
  void ask(const PubKey& user, Guardian& guardian, MonoTime now);
  void tell_soon();
  void drop(Guardians::iterator guardian, Duration avoid);
  void collect(const PubKey& user, Guardian& guardian, MonoTime now);
  void stop(Guardian& guardian);  // collecting
  void fetch();
  // By the beginning of their keys, as far as these differ, those of whom we know what we have.
  using Authors = std::map<std::uint32_t, std::optional<PubKey>>;
  [[nodiscard]] Authors authors() const;
  // believing: nor what another one has sent something for, though nothing proves it yet.
  [[nodiscard]] std::vector<MailRange> lacking(const PubKey& user, const Guardian& guardian, const Authors& authors,
                                               bool believing) const;
  // What of a range need not be asked of that guardian: its author's stream has got so far, or it has sent something.
  [[nodiscard]] SeqSet had(const MailRange& range, const Guardian& guardian, const Authors& authors) const;
  [[nodiscard]] bool lacks_something(const Guardian& guardian) const;
  // Of `asked`, which is all that it could be asked for, leaves what it is asked for now, and takes that off its index.
  static void next_share(Guardian& guardian);
  void measure_share(Guardian& guardian);  // how long that took says how much it is asked for next
  // Until then nobody else is asked for what it was asked for.
  [[nodiscard]] static MonoTime slow_at(const Guardian& guardian) noexcept;
  static std::vector<MailSpan> asked_of(const Guardian& guardian, const MailStream& stream, std::uint64_t first,
                                        std::uint64_t last);
  void remember(Guardian& guardian, const MailSpan& span);
  void count(Guardian& guardian, const Came& letter);
  void take_all(const PubKey& user, Guardian& guardian, const Authors& authors);
  void say_taken(const PubKey& user, std::vector<MailSpan> spans);
  void save();
  Guardian* guardian_of(std::string_view what, const Delivery& from);

  const Config& config_;
  Host& host_;
  const Follows& follows_;
  const Followers& followers_;
  Position position_;
  MailPost post_;
  Rng rng_;
  Guardians guardians_;
  std::map<PubKey, MonoTime> avoided_;  // refused, or silent: until then
  MonoTime choose_at_{};
  unsigned chosen_ = 0;  // how often was looked for some
  std::uint64_t salt_;   // of the filter
  bool news_ = false;
  std::vector<PubKey> authors_;
  Return return_;
  std::map<Ticket, std::vector<std::pair<PubKey, std::vector<MailSpan>>>> untaken_;
};

}  // namespace np2p
