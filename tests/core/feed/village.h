// Servers with nothing but their mailboxes, for tests: they hand each other their messages in memory, and a test can
// say who is there, what is lost, and what passed by.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/crypto/signer.h"
#include "core/event/validation.h"
#include "core/feed/mailbox.h"
#include "core/feed/postman.h"
#include "core/feed/wardship.h"
#include "core/wire/packet.h"
#include "core/wire/stream.h"
#include "tests/core/fake_ports.h"

namespace np2p::test {

class Village;

inline constexpr Chain kLie = {1};  // of a head that no author signed

inline constexpr auto kToMailbox = [](Mailbox& mailbox, const auto& message,
                                      const Delivery& from) -> decltype(mailbox.on(message, from)) {
  return mailbox.on(message, from);
};

struct Villager {
  Villager(Village& v, std::uint8_t number, const Limits& limits);
  void boot();                   // again, with the same disk
  void follow(Villager& other);  // both sides know at once
  void input(const PubKey& source, const Extension& message);
  int rejected(const std::string& what) { return ports.rejections[what]; }

  Village& village;
  Signer signer;
  PubKey key;
  Config config;
  FakePorts ports;
  Host host;
  std::unique_ptr<Overlay> overlay;
  std::unique_ptr<Followers> followers;
  std::unique_ptr<Positions> positions;
  std::unique_ptr<Follows> follows;
  std::unique_ptr<Mailbox> mailbox;
  std::unique_ptr<Consents> consents;
  std::unique_ptr<Postman> postman;
  std::unique_ptr<Wardship> wardship;
  bool up = true;
  bool is_old = false;               // of a version that knows no questions about wards
  bool proven = true;                // what comes is from the servers of those whom it names
  std::vector<std::string> letters;  // the words of what came out of parts, each once

  // A post as part of our stream, signed; one number.
  StreamPart part(std::uint64_t incarnation, std::uint64_t seq, const std::string& words) {
    const EventPtr event = *ValidationGate::trusted(signer.sign(kind::post, 1'700'000'000, {}, words));
    return {{key, 0, incarnation, 0, seq, {}, {}}, 1, encode_events({&event, 1})};
  }
  // What positions.h would know: the streams as far as they came without a gap, under heads that the author made (here
  // those of the honest are believed, and what says so of itself is a lie).
  std::map<PubKey, StreamPosition> at;

 private:
  void gate(const Delivery& letter);
  void set_list();
  Tags followees_;
  std::int64_t lists_ = 0;
};

class Village {
 public:
  explicit Village(std::size_t count, const Limits& limits = {}) {
    for (std::size_t i = 0; i < count; ++i) {
      people.push_back(std::make_unique<Villager>(*this, static_cast<std::uint8_t>(i + 1), limits));
    }
  }
  Villager& operator[](std::size_t i) { return *people[i]; }
  Villager* find(const PubKey& key) {
    for (auto& one : people) {
      if (one->key == key) return one.get();
    }
    return nullptr;
  }
  bool send(const PubKey& from, const PubKey& to, Extension message) {
    Villager* target = find(to);
    if (tamper && !tamper(*find(from), message)) return true;
    if (target == nullptr || (!target->up && !stale_routes)) return false;
    const Frame frame = encode_extension(message);
    ++messages[message.index()];
    bytes[message.index()] += frame.size();
    const auto decoded = decode_extension(frame.view(), target->config.limits);
    EXPECT_TRUE(decoded.ok());
    if (!decoded.ok() || (lose && lose(message))) return true;
    mail_.push_back({from, to, *decoded});
    return true;
  }
  // Until nobody has anything to say at the moment; disks keep up.
  void settle() {
    for (bool more = true; more;) {
      more = false;
      for (auto& one : people) {
        if (!one->up) continue;
        const Ticket ticket = one->ports.sync();
        one->mailbox->durable(ticket);
        one->wardship->durable(ticket);
      }
      for (std::size_t left = mail_.size(); left > 0; --left) {
        const Message message = std::move(mail_.front());
        mail_.pop_front();
        more = true;
        Villager* target = find(message.to);
        if (target->up) target->input(message.from, message.message);
      }
    }
  }
  void run_for(Duration duration) {
    const MonoTime end = now() + duration;
    settle();
    while (true) {
      MonoTime next{INT64_MAX};
      for (auto& one : people) {
        if (!one->up) continue;
        for (const auto& due : {one->postman->next_due(), one->consents->next_due(), one->mailbox->next_due(),
                                one->wardship->next_due()}) {
          if (due) next = std::min(next, *due);
        }
      }
      if (next > end) break;
      advance_to(std::max(next, now()));
      for (auto& one : people) {
        if (!one->up) continue;
        one->consents->due(now());
        one->postman->consented(one->consents->take_answered());
        one->postman->due(now());
        one->mailbox->due(now());
        one->wardship->due(now());
        if (one->wardship->take_news()) name_guardians(*one);
      }
      settle();
    }
    advance_to(end);
  }
  // What a FOLLOW does: those whom it follows know its guardians.
  void name_guardians(Villager& ward) {
    for (auto& one : people) {
      if (one->followers->contains(ward.key)) one->followers->add(ward.key, ward.wardship->guardians());
    }
  }
  [[nodiscard]] MonoTime now() const { return people.front()->ports.now; }
  template <class T>
  std::size_t count_of() {
    return messages[Extension(T{}).index()];
  }
  template <class T>
  std::size_t bytes_of_all() {
    return bytes[Extension(T{}).index()];
  }

  std::vector<std::unique_ptr<Villager>> people;
  bool stale_routes = false;                          // nobody knows yet who is away
  std::function<bool(const Extension&)> lose;         // on the way
  std::function<bool(Villager&, Extension&)> tamper;  // who says it, and what; false: it keeps it to itself
  std::map<std::size_t, std::size_t> messages;        // sent, by type
  std::map<std::size_t, std::size_t> bytes;

 private:
  struct Message {
    PubKey from;
    PubKey to;
    Extension message;
  };
  void advance_to(MonoTime at) {
    for (auto& one : people) {
      one->ports.wall_now = one->ports.wall_now + (at - one->ports.now);
      one->ports.now = at;
    }
  }
  std::deque<Message> mail_;
};

inline Villager::Villager(Village& v, std::uint8_t number, const Limits& limits)
    : village(v), signer(Signer::from_seed(5, number)), key(signer.public_key()), ports(limits), host(ports.host()) {
  config.owner = key;
  config.overlay = OverlayKind::hyparview;
  config.seed = number;
  config.limits = limits;
  ports.store.set_standing(key, Standing::owner);
  boot();
}

inline void Villager::boot() {
  const MailPost post{
      [this](const PubKey& to, const Extension& message, Priority) { return village.send(key, to, message); },
      [this](const PubKey& to) {
        const Villager* target = village.find(to);
        return target != nullptr && (target->up || village.stale_routes);
      }};
  overlay = std::make_unique<Overlay>(config, host);
  followers = std::make_unique<Followers>(config, host);
  followers->load();
  positions = std::make_unique<Positions>(config, host, *overlay, [this](const MailStream& stream, std::uint64_t seq) {
    return wardship && wardship->expects(stream, seq);
  });
  positions->load();
  follows = std::make_unique<Follows>(config, host, *overlay, *positions);
  mailbox = std::make_unique<Mailbox>(config, host, post);
  mailbox->load();
  consents = std::make_unique<Consents>(config, host, *followers, post,
                                        [this](const PubKey& user) { return mailbox->guards(user); });
  postman = std::make_unique<Postman>(config, host, *followers, *consents, post);
  wardship = std::make_unique<Wardship>(
      config, host, *follows, *followers,
      [this](const PubKey& author) {
        const auto found = at.find(author);
        return found == at.end() ? std::nullopt : std::optional(found->second);
      },
      post);
  wardship->load();
  up = true;
  if (!followees_.empty()) set_list();
}

inline void Villager::set_list() {
  follows->set(*ValidationGate::trusted(signer.sign(kind::follow_list, ++lists_, followees_, "")));
}

inline void Villager::follow(Villager& other) {
  const std::string hex = other.key.hex();
  followees_.add({"p", hex});
  set_list();
  ports.store.set_standing(other.key, Standing::followed);
  other.followers->add(key, wardship->guardians());
  if (other.ports.store.standing(key) == Standing::stranger) {
    other.ports.store.set_standing(key, Standing::follower);
  }
}

// As feed.h does it: what is good goes into the store, and only if all of a part is good and follows what came before
// the position moves. A head that its author signed is one whose chain is not a lie's.
inline void Villager::gate(const Delivery& letter) {
  const auto part = decode_stream_part(letter.payload.view(), config.limits);
  if (!part.ok() || part->packet.empty()) return;
  auto packet = decode_packet(part->packet.view(), config.limits);
  if (!packet.ok()) return;
  bool good = packet->events.size() == part->covers;
  for (Event& event : packet->events) {
    const auto valid = ValidationGate::validate(std::move(event), config.limits, host.verifier);
    const bool known = valid.ok() && ports.store.contains((*valid)->id);
    if (!valid.ok() || (!known && ports.store.put(*valid) == PutOutcome::refused)) {
      good = false;
    } else if (!known) {
      letters.push_back((*valid)->content);
    }
  }
  StreamPosition& so_far = at[part->head.author];
  const std::uint64_t before = part->head.seq - part->covers;
  if (so_far.incarnation == 0) so_far = {part->head.incarnation, 0};
  if (!good || part->head.chain == kLie || part->head.incarnation != so_far.incarnation || before > so_far.seq) return;
  so_far.seq = std::max(so_far.seq, part->head.seq);
}

inline void Villager::input(const PubKey& source, const Extension& message) {
  Delivery from;
  from.cast = Delivery::Cast::unicast;
  from.channel = Channel::extension;
  from.source = source;
  from.from_server = proven;
  std::visit(
      [&](const auto& m) {
        using Message = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<Message, MailPart>) {
          for (const Delivery& letter : wardship->on(m, from)) gate(letter);
          wardship->taken(from);
        } else if constexpr (std::is_same_v<Message, Guarded> || std::is_same_v<Message, MailIndex>) {
          wardship->on(m, from);
        } else if constexpr (std::is_same_v<Message, TellWards>) {
          consents->on(m, from);
          postman->consented(consents->take_answered());
        } else if constexpr (std::is_same_v<Message, AskWards>) {
          if (!is_old) mailbox->on(m, from);
        } else if constexpr (std::is_same_v<Message, Mailed>) {
          postman->on(m, from);
        } else if constexpr (std::is_invocable_v<decltype(kToMailbox), Mailbox&, const Message&, const Delivery&>) {
          kToMailbox(*mailbox, m, from);
        }
      },
      message);
}

}  // namespace np2p::test
