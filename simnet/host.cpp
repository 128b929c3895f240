#include "simnet/host.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/event/canonical.h"
#include "core/feed/bans.h"

namespace np2p::sim {

namespace {

std::uint64_t hash_of(const Event& event) {
  return combine64(hash_bytes(bytes_of(canonical_bytes(event))), hash_bytes(event.sig.view()));
}

std::uint64_t hash_of(const Filter& filter) {
  std::uint64_t hash = 0;
  const auto add = [&hash](std::uint64_t value) { hash = combine64(hash, value); };
  add(filter.ids ? filter.ids->size() + 1 : 0);
  if (filter.ids) {
    for (const auto& id : *filter.ids) add(hash_bytes(id.view()));
  }
  add(filter.authors ? filter.authors->size() + 1 : 0);
  if (filter.authors) {
    for (const auto& author : *filter.authors) add(hash_bytes(author.view()));
  }
  add(filter.kinds ? filter.kinds->size() + 1 : 0);
  if (filter.kinds) {
    for (const auto kind : *filter.kinds) add(kind);
  }
  for (const auto& [letter, values] : filter.tags) {
    add(static_cast<std::uint64_t>(letter));
    for (const auto& value : values) add(hash_bytes(bytes_of(value)));
  }
  add(static_cast<std::uint64_t>(filter.since.value_or(-1)));
  add(static_cast<std::uint64_t>(filter.until.value_or(-1)));
  add(filter.limit.value_or(SIZE_MAX));
  return hash;
}

}  // namespace

SimHost::SimHost(Fabric& fabric, NodeIndex index, Config config, const HostSettings& settings, Verifier& verifier,
                 HostEvents& events)
    : fabric_(fabric),
      index_(index),
      store_(config.limits),
      events_(events),
      verifier_(verifier),
      settings_(settings),
      config_(std::move(config)),
      entropy_(settings.seed, "entropy", index) {
  claimed_.data = config_.owner.data;
  timers_.fill(kNever);
}

SimHost::~SimHost() {
  node_.reset();  // before what it refers to
}

// Granted, not computed: a hash of both ids and of the world's seed, which no node knows, in place of the product of
// keys.
PairMac SimHost::pair_mac(const NodeId& peer, ByteView message) {
  const NodeId& own = key().id();
  const std::uint64_t low = hash_bytes(std::min(own, peer).view());
  const std::uint64_t high = hash_bytes(std::max(own, peer).view());
  const std::uint64_t first = mix64(settings_.seed ^ low ^ mix64(high ^ hash_bytes(message)));
  const std::uint64_t second = mix64(first ^ high);
  PairMac mac;
  for (std::size_t i = 0; i < 8; ++i) {
    mac[i] = static_cast<std::uint8_t>(first >> 8 * i);
    mac[8 + i] = static_cast<std::uint8_t>(second >> 8 * i);
  }
  return mac;
}

SecpNodeKey& SimHost::key() const {
  if (!key_) {
    SecretKey secret;
    Rng rng(settings_.seed, "node key", index_);
    for (auto& byte : secret.data) byte = static_cast<std::uint8_t>(rng.next());
    auto made = SecpNodeKey::from_secret(secret);
    NP2P_ASSERT(made.ok());  // zero or above the group order: one in 2^127
    key_ = std::move(made).value();
  }
  return *key_;
}

void SimHost::start() {
  if (link_profile(config_.overlay).encrypted) claimed_ = key().id();
  fabric_.boot(index_, *this);
  const Host host{*this, *this, *this, store_, verifier_, *this, *this, *this, *this};
  node_ = std::make_unique<Node>(config_, host);
  fabric_.record(index_, Io::in_start, 0, 0);
  node_->start();
  after_input();
}

void SimHost::behave(Behaviour behaviour, const Address& address) {
  const auto send = [this](LinkId link, const swarm::Message& message) {
    Frame frame = swarm::encode(message);
    if (Tunnels::is_tunnel(link)) return send_through(link, std::move(frame), Priority::control, Traffic::control);
    fabric_.send(index_, link, std::move(frame), Traffic::control);
  };
  const auto hand = [this](LinkId link, const swarm::Message& message) { node_->frame(link, swarm::encode(message)); };
  const auto user_of = [this](const swarm::Key& key) { return events_.user_of(key); };
  const auto fellows = [this]() -> const std::vector<swarm::PeerRef>& { return events_.eclipsing(); };
  adversary_ = make_adversary(behaviour, {*this, *this, config_.network_id, address, settings_.seed,
                                          Rng(settings_.seed, "adversary", index_), send, hand, user_of, fellows});
}

void SimHost::stop() {
  fabric_.record(index_, Io::in_stop, 0, 0);
  node_->stop();
  store_.mark_durable(store_.commit());  // an orderly end waits for its disk
  fabric_.end_process(index_);
  forget_process();
}

void SimHost::kill(bool power_off) {
  if (power_off) {
    fabric_.power_off(index_);
  } else {
    if (loses_ > Duration{}) store_.mark_durable(store_.durable());  // the system has it, and lives on
    fabric_.end_process(index_);
  }
  store_.crash();
  forget_process();
}

void SimHost::forget_process() {
  sessions_.clear();
  node_.reset();
  timers_.fill(kNever);
  next_wake_ = kNever;
  disk_busy_ = false;
  committed_ = store_.requested();
  tunnels_.reset();
  tunnels_due_ = kNever;
}

// The disk takes one commit at a time; what is asked for meanwhile goes together in the next one.
void SimHost::after_input() {
  if (tunnels_) after_tunnels();
  if (disk_busy_ || store_.requested() <= committed_) return;
  committed_ = store_.commit();
  disk_busy_ = true;
  fabric_.record(index_, Io::out_flush, committed_.value, store_.written_hash());
  fabric_.own_event_at(index_, fabric_.now() + settings_.disk_latency.count(), disk_done, committed_.value);
}

void SimHost::after_tunnels() {
  while (const auto input = tunnels_->next()) {
    const LinkId link = input->info.link;
    switch (input->kind) {
      case Tunnels::Input::Kind::carry:
        fabric_.record(index_, Io::in_carry, link.value, input->frame.hash());
        node_->carry(link, input->frame, input->traffic);
        break;
      case Tunnels::Input::Kind::up:
        fabric_.record(index_, Io::in_link_up, link.value, hash_bytes(input->info.peer.view()));
        node_->link_up(input->info);
        break;
      case Tunnels::Input::Kind::frame:
        fabric_.record(index_, Io::in_frame, link.value, input->frame.hash());
        node_->frame(link, input->frame);
        break;
      case Tunnels::Input::Kind::writable:
        fabric_.record(index_, Io::in_writable, link.value, 0);
        node_->writable(link);
        break;
      case Tunnels::Input::Kind::down:
        fabric_.record(index_, Io::in_link_down, link.value, static_cast<std::uint64_t>(input->reason));
        node_->link_down(link, input->reason);
        break;
    }
  }
  const SimTime due = tunnels_->next_due();
  if (due >= tunnels_due_) return;
  tunnels_due_ = std::max(due, fabric_.now());
  fabric_.own_event_at(index_, tunnels_due_, Own::tunnels_due, static_cast<std::uint64_t>(tunnels_due_));
}

LinkId SimHost::tunnel(const NodeId& peer, bool outbound) {
  if (!tunnels_) tunnels_ = std::make_unique<Tunnels>(static_cast<NodeKey&>(*this));
  const LinkId link = tunnels_->open(peer, outbound, fabric_.now());
  fabric_.record(index_, Io::out_tunnel, link.value, combine64(outbound ? 1 : 0, hash_bytes(peer.view())));
  return link;
}

void SimHost::carried(LinkId tunnel, Frame record) {
  fabric_.record(index_, Io::out_carried, tunnel.value, record.hash());
  if (tunnels_) tunnels_->carried(tunnel, record, fabric_.now());
}

void SimHost::hold(LinkId tunnel, bool held) {
  fabric_.record(index_, Io::out_hold, tunnel.value, held ? 1 : 0);
  if (tunnels_) tunnels_->hold(tunnel, held);
}

void SimHost::send_through(LinkId tunnel, Frame frame, Priority priority, Traffic traffic) {
  fabric_.record(index_, Io::out_send, tunnel.value, frame.hash());
  if (tunnels_) tunnels_->send(tunnel, std::move(frame), priority, traffic);
}

void SimHost::close_tunnel(LinkId tunnel, CloseReason reason) {
  fabric_.record(index_, Io::out_close, tunnel.value, static_cast<std::uint64_t>(reason));
  if (tunnels_) tunnels_->close(tunnel);
}

void SimHost::link_up(const LinkInfo& info) {
  if (adversary_ != nullptr) adversary_->linked(info.link, info.peer);
  node_->link_up(info);
  after_input();
}

void SimHost::frame(LinkId link, const Frame& frame) {
  if (adversary_ != nullptr) {
    const auto message = swarm::decode(frame.view(), config_.limits);
    if (message.ok() && !adversary_->hears(link, *message)) return;
  }
  node_->frame(link, frame);
  after_input();
}

bool SimHost::tampered(LinkId link, Frame& frame) {
  auto message = swarm::decode(frame.view(), config_.limits);
  if (!message.ok()) return true;
  if (!adversary_->says(link, *message)) return false;
  Frame said = swarm::encode(*message);
  if (said.hash() != frame.hash()) frame = std::move(said);
  return true;
}

void SimHost::writable(LinkId link) {
  node_->writable(link);
  after_input();
}

void SimHost::link_down(LinkId link, CloseReason reason) {
  node_->link_down(link, reason);
  after_input();
}

void SimHost::own_event(std::uint8_t tag, std::uint64_t payload) {
  if (tag == wake) return on_wake(static_cast<SimTime>(payload));
  if (tag == Own::tunnels_due) {
    if (!tunnels_ || static_cast<SimTime>(payload) != tunnels_due_) return;
    tunnels_due_ = kNever;
    tunnels_->due(fabric_.now());
    return after_input();
  }
  const Ticket ticket{payload};
  if (tag == disk_settled) return store_.mark_durable(ticket);
  disk_busy_ = false;
  if (loses_ > Duration{}) {
    store_.say_durable(ticket);
    fabric_.own_event_at(index_, fabric_.now() + loses_.count(), disk_settled, ticket.value);
  } else {
    store_.mark_durable(ticket);
  }
  fabric_.record(index_, Io::in_durable, ticket.value, 0);
  node_->durable(ticket);
  after_input();
}

void SimHost::arm(Timer timer, MonoTime at) {
  fabric_.record(index_, Io::out_arm, static_cast<std::uint64_t>(timer), static_cast<std::uint64_t>(at.ns));
  timers_[static_cast<std::size_t>(timer)] = at.ns;
  if (at.ns >= next_wake_) return;
  next_wake_ = std::max(at.ns, fabric_.now());
  fabric_.own_event_at(index_, next_wake_, wake, static_cast<std::uint64_t>(next_wake_));
}

void SimHost::cancel(Timer timer) {
  fabric_.record(index_, Io::out_cancel, static_cast<std::uint64_t>(timer), 0);
  timers_[static_cast<std::size_t>(timer)] = kNever;
}

// One wake-up is under way for the earliest timer; those that were moved meanwhile wake us for nothing. What is due
// fires in the order of its times, and a timer armed by this for now fires as an input of its own.
void SimHost::on_wake(SimTime scheduled) {
  if (scheduled != next_wake_) return;
  const SimTime now = fabric_.now();
  next_wake_ = now;  // nothing armed from here on schedules itself: the end of this function does
  std::array<bool, static_cast<std::size_t>(Timer::count_)> fired{};
  for (;;) {
    std::size_t first = timers_.size();
    for (std::size_t i = 0; i < timers_.size(); ++i) {
      if (timers_[i] > now || fired[i]) continue;
      if (first == timers_.size() || timers_[i] < timers_[first]) first = i;
    }
    if (first == timers_.size()) break;
    timers_[first] = kNever;
    fired[first] = true;
    fabric_.record(index_, Io::in_timer, first, 0);
    node_->timer(static_cast<Timer>(first));
    after_input();
  }
  next_wake_ = kNever;
  SimTime earliest = kNever;
  for (const SimTime at : timers_) earliest = std::min(earliest, at);
  if (earliest == kNever) return;
  next_wake_ = std::max(earliest, now);
  fabric_.own_event_at(index_, next_wake_, wake, static_cast<std::uint64_t>(next_wake_));
}

void SimHost::fill(std::span<std::uint8_t> out) {
  for (auto& byte : out) byte = static_cast<std::uint8_t>(entropy_.next());
}

void SimHost::published(RequestId request, const Status& outcome) {
  const std::uint64_t code = outcome.ok() ? 0 : 1 + static_cast<std::uint64_t>(outcome.error().code);
  fabric_.record(index_, Io::out_published, request.value, code);
  events_.published(request, outcome);
}

void SimHost::event_accepted(const EventId& id, LinkId) {
  events_.accepted(index_, id);
}

void SimHost::rejected(std::string_view what, const Error& why, LinkId) {
  ++rejections_[{std::string(what), why.code}];
}

void SimHost::publish(RequestId request, const Event& event) {
  fabric_.record(index_, Io::in_publish, request.value, hash_of(event));
  node_->publish(request, event);
  after_input();
}

QueryAnswer SimHost::query(const ClientQuery& query) {
  fabric_.record(index_, Io::in_query, 0, hash_of(query.filter));
  QueryAnswer answer = node_->query(query);
  std::uint64_t hash = answer.events.size();
  for (const EventPtr& event : answer.events) hash = combine64(hash, hash_bytes(event->id.view()));
  fabric_.record(index_, Io::out_answer, answer.with_signatures ? 1 : 0, hash);
  after_input();
  return answer;
}

std::optional<SessionId> SimHost::open_session(const ClientOrigin& origin) {
  const SessionId session{++last_session_};
  fabric_.record(index_, Io::in_client, session.value, origin.trusted ? 1 : 0);
  sessions_[session];
  const bool opened = node_->session_opened(session, origin);
  after_input();
  if (opened) return session;
  sessions_.erase(session);
  return std::nullopt;
}

void SimHost::session_text(SessionId session, std::string_view text) {
  fabric_.record(index_, Io::in_client, session.value, hash_bytes(bytes_of(text)));
  node_->session_text(session, text);
  after_input();
}

void SimHost::close_session(SessionId session) {
  fabric_.record(index_, Io::in_client, session.value, 0);
  sessions_.erase(session);
  node_->session_closed(session);
  after_input();
}

std::vector<std::string> SimHost::take_told(SessionId session) {
  const auto at = sessions_.find(session);
  return at == sessions_.end() ? std::vector<std::string>{} : std::exchange(at->second, {});
}

void SimHost::tell(SessionId session, std::string_view text) {
  fabric_.record(index_, Io::out_client, session.value, hash_bytes(bytes_of(text)));
  const auto at = sessions_.find(session);
  if (at != sessions_.end()) at->second.emplace_back(text);
}

void SimHost::hang_up(SessionId session, std::string_view reason) {
  fabric_.record(index_, Io::out_client, session.value, hash_bytes(bytes_of(reason)));
  sessions_.erase(session);
}

bool SimHost::ban(const PubKey& author, bool undo) {
  fabric_.record(index_, Io::in_client, undo ? 1 : 0, hash_bytes(author.view()));
  bool done = true;
  undo ? unban(author, store_) : static_cast<void>(done = np2p::ban(author, store_));
  store_.flush();
  after_input();
  return done;
}

NodeStatus SimHost::status() const {
  return node_->status();
}

}  // namespace np2p::sim
