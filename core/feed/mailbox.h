// What this server keeps for its wards, users who are away: letters, which it does not read, in a table of their own.
// A letter is known by its author's stream and number, so whoever leaves it twice leaves it once.
//
// Whose ward somebody is says his server by Guard; who asks whether we agreed (AskWards) hears of those alone.
// Anybody may ask to be a ward whom our user follows or who follows our user; of the places the latter have half. Mail
// is taken from an author's own server, for wards only: so much for one ward, half of that from one author, so much in
// all, and from one author so much per time. 30 days after its last sign of life a ward's mail is given up.
//
// A ward that is back asks what there is (Collect), names what of that it lacks (MailWant) and gets it in parts, not
// more than a window ahead of what it says it has (MailTaken), which is deleted. A ward that was never away, but that
// an author could not reach, is told what came for it.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/token_bucket.h"
#include "core/feed/mail_post.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"

namespace np2p {

class Mailbox {
 public:
  Mailbox(const Config& config, Host& host, MailPost post);

  void load();
  void on(const Guard& message, const Delivery& from);
  void on(const Mail& message, const Delivery& from);
  void on(const AskWards& message, const Delivery& from);  // an author's server, about those who name us
  void on(const Collect& message, const Delivery& from);
  void on(const MailWant& message, const Delivery& from);
  void on(const MailTaken& message, const Delivery& from);
  void durable(Ticket ticket);  // what is safe now is acknowledged
  [[nodiscard]] std::optional<MonoTime> next_due() const;
  void due(MonoTime now);

  [[nodiscard]] bool guards(const PubKey& user) const { return wards_.count(user) != 0; }
  [[nodiscard]] std::size_t wards() const noexcept { return wards_.size(); }
  [[nodiscard]] std::size_t letters() const noexcept { return letters_; }
  [[nodiscard]] std::size_t mail_bytes() const noexcept { return mail_bytes_; }
  [[nodiscard]] std::size_t bytes() const noexcept;  // of memory

 private:
  struct Kept {
    std::uint32_t bytes = 0;
    bool sent = false;  // to the ward, which has not taken it yet
  };
  struct Stream {
    std::map<std::uint64_t, Kept> letters;
    std::size_t bytes = 0;
  };
  using Streams = std::map<MailStream, Stream>;
  // Where the sending of what was wanted stands: a range, and within it a stream and the number that is next.
  struct Sending {
    std::vector<MailRange> wanted;
    bool joined = false;  // the ward takes letters that follow each other as one
    std::size_t range = 0;
    std::optional<MailStream> stream;
    std::uint64_t next = 0;
    std::optional<MonoTime> again;  // not before
    bool over = true;
  };
  struct Ward {
    WallTime seen;
    std::optional<MonoTime> heard;  // from its server, since we started
    ByteVec record;                 // of its guardians, to be put into the directory while it is away
    ByteVec filter;                 // whom it follows
    std::optional<MonoTime> renewed;
    Streams streams;
    std::size_t letters = 0;
    std::size_t bytes = 0;
    std::size_t under_way = 0;  // bytes sent and not taken
    Sending sending;
    TokenBucket answers{0, 0};
    std::optional<MonoTime> tell_at;  // what is there
    std::optional<MonoTime> told;
  };
  using Wards = std::map<PubKey, Ward>;
  struct Answer {
    PubKey to;
    Extension message;
  };

  bool admit(const PubKey& ward);
  void see(const PubKey& user, Ward& ward);
  void save(const PubKey& user, const Ward& ward);
  void renew(const PubKey& user, Ward& ward);
  [[nodiscard]] bool is_here(const PubKey& user) const;
  bool keep(const PubKey& author, const Mail& message, const PubKey& user, LinkId link);
  bool may_leave(const PubKey& author, std::size_t bytes);
  void forget(Wards::iterator ward);
  void erase(const PubKey& user, Ward& ward, const MailStream& stream, std::uint64_t seq, const Kept& kept);
  void tell(const PubKey& user, const Ward& ward);
  void send_parts(const PubKey& user, Ward& ward);
  // The next letter to send, as (stream, seq); moves the place there.
  static std::optional<std::pair<MailStream, std::uint64_t>> advance(Ward& ward);
  void answer_when_durable(const PubKey& to, Extension message, const Delivery& from);
  Ward* ward_of(std::string_view what, const Delivery& from);
  void reject(std::string_view what, const Error& why, LinkId link);

  const Config& config_;
  Host& host_;
  MailPost post_;
  Wards wards_;
  std::size_t letters_ = 0;
  std::size_t mail_bytes_ = 0;
  MonoTime life_check_{};  // the next one
  std::map<PubKey, TokenBucket> senders_;
  std::deque<PubKey> sender_order_;  // as they came; the first makes room
  std::map<Ticket, std::vector<Answer>> unanswered_;
  std::size_t unanswered_count_ = 0;
};

}  // namespace np2p
