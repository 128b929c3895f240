#include "realnet/server.h"

#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdlib>

#include "core/api/relay_document.h"
#include "core/event/nip19.h"
#include "realnet/bind_watch.h"
#include "realnet/supervisor.h"
#include "realnet/upgrade.h"
#include "realnet/version.h"

namespace np2p::real {

namespace {

constexpr int kForcedExit = 130;
constexpr auto kBindWatch = std::chrono::hours(24);
constexpr auto kUpkeep = std::chrono::hours(1);
constexpr auto kUpkeepPause = std::chrono::milliseconds(50);
constexpr std::size_t kGivenUpAtOnce = 500;

void say(const std::string& line) {
  if (!line.empty()) spdlog::info("{}", line);
}

// As nohup leaves it: whoever wants the server to outlive its terminal gets that.
bool is_ignored(int signal) {
  struct sigaction now {};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

Server::Server(ServerOptions options)
    : options_(std::move(options)),
      signals_(io_),
      stop_deadline_(io_),
      bind_watch_(io_),
      upkeep_(io_),
      join_log_(options_.config),
      watchdog_(io_),
      started_(mono_now()) {}

Server::~Server() {
  if (http_) http_.reset();
  control_.reset();
  port_mapping_.reset();
  committer_.reset();
  if (links_) links_->drop_all();
}

Result<std::unique_ptr<Server>> Server::create(ServerOptions options) {
  std::unique_ptr<Server> server(new Server(std::move(options)));
  if (Status status = server->open(); !status.ok()) return status.error();
  return server;
}

Status Server::open() {
  std::optional<TlsContext> api_tls;
  if (!options_.tls_certificate.empty()) {
    certificate_watch_ =
        std::make_unique<CertificateWatch>(io_, options_.tls_certificate, options_.tls_key, options_.certificate_every,
                                           [this](TlsContext context) { http_->renew(std::move(context)); });
    auto context = TlsContext::from_files(options_.tls_certificate, options_.tls_key);
    if (!context.ok()) return context.error();
    api_tls = std::move(context).value();
  }
  auto data_dir = DataDir::open(options_.data_dir);
  if (!data_dir.ok()) return data_dir.error();
  data_dir_ = std::move(data_dir).value();
  auto key = data_dir_->node_key(entropy_);
  if (!key.ok()) return key.error();
  key_ = std::move(key).value();
  const auto kept = keep_before_upgrade(data_dir_->database());
  if (!kept.ok()) return kept.error();
  if (!kept->empty()) spdlog::warn("{}", *kept);
  auto store = SqliteStore::open(data_dir_->database(), options_.config.limits);
  if (!store.ok()) return store.error();
  store_ = std::move(store).value();
  if (!store_->note().empty()) spdlog::error("{}", store_->note());
  if (Status status = claim_database(); !status.ok()) return status;

  std::optional<tcp::acceptor> links;
  std::optional<tcp::acceptor> api;
  if (Status status = open_ports(links, api); !status.ok()) return status;
  drop_own_addresses();
  start_node();
  links_->serve(std::move(*links));
  files_ = StaticFiles(options_.pages);
  api_ = std::make_unique<RestApi>(static_cast<Backend&>(*this), options_.api_settings, files_);
  HttpLimits http_limits = options_.http_limits;
  const ClientLimits& client = options_.config.limits.client;
  if (http_limits.body_bytes == 0) http_limits.body_bytes = client.message_bytes;
  http_limits.web_socket.message_bytes = client.message_bytes;
  http_limits.web_socket.busy_bytes = client.busy_bytes;
  http_ =
      std::make_unique<HttpServer>(io_, *api_, static_cast<ClientSessions&>(*this), http_limits, std::move(api_tls));
  http_->serve(std::move(*api));
  auto control = Control::open(io_, options_.data_dir, *store_, [this](const auto& words) { return execute(words); });
  if (control.ok()) {
    control_ = std::move(control).value();
  } else {  // such as a file system without sockets: the server serves all the same
    spdlog::warn("{}; backup, delete and ban need the server stopped", control.error().reason);
  }
  if (options_.port_mapping) {
    mapping_.asked = true;
    port_mapping_ = std::make_unique<PortMapping>(
        io_, PortMappingSettings{options_.config.listen},
        [this](const std::optional<Address>& external, const std::string& who) { on_port_mapped(external, who); });
  }
  return {};
}

// A database belongs to one user for ever: outbox, followers and what is never evicted are that user's.
Status Server::claim_database() {
  const PubKey& owner = options_.config.owner;
  const std::string known = store_->value(Table::node, "owner");
  if (known.empty()) {
    store_->set_value(Table::node, "owner", text_of(owner.view()));
    return {};
  }
  const auto key = PubKey::from(bytes_of(known));
  if (key && *key == owner) return {};
  return error(ErrorCode::unavailable, "the database in " + options_.data_dir + " belongs to " +
                                           (key ? npub(*key) : std::string("another user")) +
                                           "; start with that key, or give another --data-dir");
}

Status Server::open_ports(std::optional<tcp::acceptor>& links, std::optional<tcp::acceptor>& api) {
  Config& config = options_.config;
  auto links_acceptor = listen_on(io_, config.listen);
  if (!links_acceptor.ok()) return links_acceptor.error();
  links = std::move(links_acceptor).value();
  const bool any_port = config.listen.port == 0;
  config.listen.port = links->local_endpoint().port();
  if (options_.api) {
    api_address_ = *options_.api;
  } else {
    api_address_ = config.listen.is_loopback() ? config.listen : Address::v4(0x7F000001, 0);
    api_address_.port = any_port ? std::uint16_t{0} : static_cast<std::uint16_t>(config.listen.port + 1);
  }
  auto api_acceptor = listen_on(io_, api_address_);
  if (!api_acceptor.ok()) return api_acceptor.error();
  api = std::move(api_acceptor).value();
  api_address_.port = api->local_endpoint().port();
  return {};
}

// The same -b on every machine is a common way to start many; on one of them it names itself.
void Server::drop_own_addresses() {
  std::erase_if(options_.config.bootstrap, [this](const Address& address) {
    const bool own = is_own_address(address, options_.config);
    if (own) spdlog::warn("-b {}: that is this server itself", address.text());
    return own;
  });
}

template <class Input>
void Server::input(Input&& input) {
  NP2P_ASSERT(!in_input_);  // no port calls back into the node
  in_input_ = true;
  clock_.thaw();
  input();
  in_input_ = false;
  after_input();
}

void Server::start_node() {
  std::array<std::uint8_t, 8> seed{};
  entropy_.fill(seed);
  for (const auto byte : seed) options_.config.seed = options_.config.seed << 8 | byte;
  LinkSettings settings{*key_, options_.config.network_id, link_profile(options_.config.overlay),
                        options_.config.limits};
  links_ = std::make_unique<Links>(io_, static_cast<LinkInputs&>(*this), settings);
  observer_.find_peers([this](LinkId link) { return links_->remote(link); });
  timers_ = std::make_unique<RealTimers>(io_, [this](Timer timer) { input([&] { node_->timer(timer); }); });
  const Host host{clock_, *links_, *timers_, *store_, verifier_, *key_, entropy_, *this, observer_};
  node_ = std::make_unique<Node>(options_.config, host);
  committer_ = std::make_unique<Committer>(
      io_, *store_, [this](Ticket ticket) { input([&] { node_->durable(ticket); }); },
      [this](const std::string& reason, bool lasting) { disk_fails(reason, lasting); });
}

void Server::after_input() {
  links_->pump();
  committer_->pump();
  watch_store();
  if (!join_log_.joined() && links_->open_count() > 0) say(join_log_.status(node_->status()));
}

void Server::disk_fails(const std::string& reason, bool lasting) {
  if (!store_->damaged()) spdlog::error("the disk fails, trying again: {}", reason);
  if (lasting) asio::post(io_, [this] { input([&] { node_->disk_failed(); }); });  // it may be an input that found out
}

// What the store found out about its file is said once, and again when it got twice as bad.
void Server::watch_store() {
  if (store_->damaged() && !std::exchange(said_damaged_, true)) spdlog::error("{}", store_->trouble());
  const std::uint64_t rotten = store_->stats().rotten;
  if (rotten <= said_rotten_ * 2) return;
  said_rotten_ = rotten;
  spdlog::error(
      "{} stored events no longer have the bytes they were stored with and are set aside; is the disk failing?",
      rotten);
}

void Server::on_link_up(const LinkInfo& info) {
  spdlog::debug("link {} up: {} {} at {}", info.link.value, info.outbound ? "to" : "from",
                info.peer.hex().substr(0, 12), info.remote.text());
  say(join_log_.link_up(info));
  input([&] { node_->link_up(info); });
}

void Server::on_frame(LinkId link, const Frame& frame, Traffic traffic) {
  observer_.frame_begins(traffic, frame.size(), links_->is_tunnel(link));
  input([&] { node_->frame(link, frame); });
  observer_.frame_ends();
}

void Server::on_writable(LinkId link) {
  input([&] { node_->writable(link); });
}

void Server::on_link_down(LinkId link, CloseReason reason) {
  spdlog::debug("link {} down: {}", link.value, close_reason_name(reason));
  input([&] { node_->link_down(link, reason); });
}

void Server::on_carry(LinkId tunnel, const Frame& record, Traffic traffic) {
  input([&] { node_->carry(tunnel, record, traffic); });
}

void Server::on_link_rejected(const Address& remote, const Error& why) {
  observer_.rejected(remote, "link", why);
}

void Server::on_port_mapped(const std::optional<Address>& external, const std::string& who) {
  if (stopping_) return;
  mapping_.outside = external.value_or(Address{});
  mapping_.by = external ? who : std::string();
  if (external) {
    spdlog::info("the router opened {} for this server ({})", external->text(), who);
  } else {
    spdlog::info("the router does not keep a port open for this server any more");
  }
  input([&] { node_->port_mapped(external.value_or(Address{})); });
}

void Server::on_unreachable(const Address& to, CloseReason reason) {
  const std::string line = join_log_.unreachable(to, reason, mono_now());
  if (!line.empty()) spdlog::warn("{}", line);
}

void Server::published(RequestId request, const Status& outcome) {
  const auto at = waiting_.find(request);
  if (at == waiting_.end()) return;
  const bool damaged = !outcome.ok() && outcome.error().code == ErrorCode::full && store_->damaged();
  at->second->outcome = damaged ? error(ErrorCode::full, store_->trouble()) : outcome;
  at->second->wake.cancel();
  waiting_.erase(at);
}

void Server::refused(const Address& from, std::string_view what, const Error& why) {
  observer_.rejected(from, what, why);
}

Access& Server::access() {
  clock_.thaw();  // asked between inputs, too
  return node_->access();
}

asio::awaitable<Status> Server::publish(WrittenEvent event, const Visitor& by) {
  if (stopping_) co_return error(ErrorCode::unavailable, "the server is shutting down");
  const RequestId request{++last_request_};
  const auto waiting = std::make_shared<Waiting>(io_);
  waiting->wake.expires_at(asio::steady_timer::time_point::max());
  waiting_.emplace(request, waiting);
  {
    const RealObserver::Client client(observer_, by.origin.peer);
    input([&] { node_->publish(request, std::move(event.event), by, event.text); });
  }
  if (!waiting->outcome) {
    SocketError cancelled;
    co_await waiting->wake.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
  co_return waiting->outcome.value_or(error(ErrorCode::unavailable, "the server is shutting down"));
}

void Server::tell(SessionId session, std::string_view text) {
  const auto at = sessions_.find(session);
  if (at != sessions_.end()) at->second.output->tell(text);
}

std::size_t Server::untold_bytes(SessionId session) const noexcept {
  const auto at = sessions_.find(session);
  return at == sessions_.end() ? 0 : at->second.output->untold_bytes();
}

void Server::hang_up(SessionId session, std::string_view reason) {
  const auto at = sessions_.find(session);
  if (at == sessions_.end()) return;
  const Client client = at->second;
  sessions_.erase(at);
  observer_.rejected(client.address, "session", error(ErrorCode::forbidden, std::string(reason)));
  client.output->hang_up(reason);
}

std::optional<SessionId> Server::open_session(const ClientOrigin& origin, SessionOutput& output) {
  if (stopping_) return std::nullopt;
  const SessionId session{++last_session_};
  sessions_[session] = {&output, origin.peer};
  bool opened = false;
  const RealObserver::Client client(observer_, origin.peer);
  input([&] { opened = node_->session_opened(session, origin); });
  if (opened) return session;
  sessions_.erase(session);
  return std::nullopt;
}

void Server::session_text(SessionId session, std::string_view text) {
  const auto at = sessions_.find(session);
  if (stopping_ || at == sessions_.end()) return;
  const RealObserver::Client client(observer_, at->second.address);
  input([&] { node_->session_text(session, text); });
}

void Server::session_writable(SessionId session) {
  input([&] { node_->session_writable(session); });
}

void Server::session_closed(SessionId session) {
  if (sessions_.erase(session) == 0) return;
  input([&] { node_->session_closed(session); });
}

std::string Server::relay_document(bool open) {
  return np2p::relay_document(config(), kVersion, open);
}

QueryAnswer Server::query(const Filter& filter) {
  QueryAnswer answer;
  input([&] { answer = node_->query(ClientQuery{filter}); });
  return answer;
}

// The owner's own words (control.h), between two inputs.
Result<std::uint64_t> Server::execute(const std::vector<std::string>& words) {
  if (stopping_) return error(ErrorCode::unavailable, "the server is shutting down");
  auto done = execute_on(*store_, config().owner, words);
  store_->flush();
  committer_->pump();
  if (done.ok()) spdlog::info("{} at the owner's word: {} events erased", words[0], *done);
  return done;
}

ServerView Server::view() {
  return {config(),
          node_id(),
          api_address_,
          mono_now() - started_,
          node_->status(),
          store_->stats(),
          observer_,
          links_->counters(),
          links_->open_count(),
          http_->counters(),
          http_->open_count(),
          committer_->syncs(),
          store_->trouble(),
          ways_in(),
          mapping_};
}

std::vector<WayIn> Server::ways_in() const {
  std::vector<WayIn> ways;
  for (const Address& address : config().bootstrap) {
    ways.push_back({address.text(), std::string(join_log_.trouble(address))});
  }
  for (const std::string& name : options_.late_names) ways.push_back({name, "this name does not resolve"});
  return ways;
}

std::string Server::status_json() {
  return real::status_json(view());
}

std::string Server::metrics_text() {
  return real::metrics_text(view());
}

Status Server::health() {
  if (stopping_) return error(ErrorCode::unavailable, "the server is shutting down");
  return store_->healthy() ? Status{} : error(ErrorCode::unavailable, store_->trouble());
}

std::string Server::api_url() const {
  return (options_.tls_certificate.empty() ? "http://" : "https://") + api_address_.text();
}

void Server::run() {
  if (options_.late_names.empty()) say(join_log_.started());
  late_names_ = std::make_unique<LateNames>(io_, options_.late_names, options_.names_every, [this] {
    if (stopping_) return;
    spdlog::info("a server of -b has an address now: starting again to join through it");
    knows_more_ = true;
    stop();
  });
  input([&] { node_->start(); });
  watch_bind();
  if (certificate_watch_) certificate_watch_->start();
  watchdog_.start();
  if (options_.ages.any()) give_up_old();
  io_.run();
}

void Server::watch_bind() {
  const std::string warning = stored_bind_warning(*store_, config().owner, node_id(), unix_seconds(wall_now()));
  if (!warning.empty()) spdlog::warn("{}", warning);
  bind_watch_.expires_after(kBindWatch);
  bind_watch_.async_wait([this](const SocketError& cancelled) {
    if (!cancelled) watch_bind();
  });
}

// Of what is too old, in small steps between the node's inputs.
void Server::give_up_old() {
  const std::size_t erased = prune(*store_, options_.ages, unix_seconds(wall_now()), kGivenUpAtOnce);
  if (erased > 0) {
    spdlog::debug("{} events given up for their age", erased);
    store_->flush();
    committer_->pump();
  }
  if (erased < kGivenUpAtOnce) {
    upkeep_.expires_after(kUpkeep);
  } else {
    upkeep_.expires_after(kUpkeepPause);
  }
  upkeep_.async_wait([this](const SocketError& cancelled) {
    if (!cancelled && !stopping_) give_up_old();
  });
}

void Server::request_stop() {
  asio::post(io_, [this] { stop(); });
}

void Server::stop_on_signals() {
  signals_.add(SIGINT);
  signals_.add(SIGTERM);
  if (!is_ignored(SIGHUP)) signals_.add(SIGHUP);
  await_signal(1);
}

void Server::await_signal(int count) {
  signals_.async_wait([this, count](const SocketError& cancelled, int signal) {
    if (cancelled) return;
    if (count > 1) std::_Exit(kForcedExit);
    spdlog::info("signal {}: stopping", signal);
    tell_supervisor("STOPPING=1");
    knows_more_ = false;
    await_signal(count + 1);
    stop();
  });
}

// Order: no new work; what was accepted becomes durable and is answered; links and connections say goodbye.
void Server::stop() {
  if (stopping_) return;
  stopping_ = true;
  stop_deadline_.expires_after(options_.stop_deadline);
  stop_deadline_.async_wait([this](const SocketError& cancelled) {
    if (cancelled) return;
    spdlog::warn("stopping took too long: leaving {} unanswered", waiting_.size());
    io_.stop();
  });
  if (port_mapping_) port_mapping_->stop();
  if (control_) control_->stop();
  late_names_.reset();
  timers_->cancel_all();
  bind_watch_.cancel();
  if (certificate_watch_) certificate_watch_->stop();
  watchdog_.stop();
  upkeep_.cancel();
  input([&] { node_->stop(); });
  committer_->finish([this] { links_->stop([this] { http_->stop([this] { finish_stop(); }); }); });
}

void Server::finish_stop() {
  stop_deadline_.cancel();
  SocketError ignored;
  signals_.cancel(ignored);
  io_.stop();
}

}  // namespace np2p::real
