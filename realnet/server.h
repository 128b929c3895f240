// One server in the real world: it owns the node and everything the node may touch (the ports of core/host), the API in
// front of it and the data directory behind it. One thread - whoever calls run() - does all of it; a second one only
// waits for the disk (committer.h).
#pragma once

#include "realnet/net/asio.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/crypto/verifier.h"
#include "core/node.h"
#include "core/store/sqlite_store.h"
#include "realnet/certificate_watch.h"
#include "realnet/clock.h"
#include "realnet/committer.h"
#include "realnet/control.h"
#include "realnet/data_dir.h"
#include "realnet/entropy.h"
#include "realnet/http/http_server.h"
#include "realnet/join_log.h"
#include "realnet/late_names.h"
#include "realnet/net/links.h"
#include "realnet/net/port_mapping.h"
#include "realnet/observer.h"
#include "realnet/status_text.h"
#include "realnet/timers.h"
#include "realnet/watchdog.h"

namespace np2p::real {

struct ServerOptions {
  Config config;               // listen port 0: any free one
  std::optional<Address> api;  // absent: listen port + 1, on the listen host if that is loopback, else on 127.0.0.1
  ApiSettings api_settings;
  HttpLimits http_limits;
  StaticFiles::Map pages;  // what GET serves besides the API: the web client
  std::string data_dir;
  std::string tls_certificate;  // with tls_key: the API speaks TLS
  std::string tls_key;
  Duration certificate_every = 15s;  // how often these two are looked at for a renewal
  bool port_mapping = false;         // ask the router for an open port
  Duration stop_deadline = 5s;
  // Hosts of -b that did not resolve, and so are not in Config::bootstrap. When one does, the server ends its run.
  std::vector<std::string> late_names;
  Duration names_every = 30s;
  AgeLimits ages;  // beyond which events are given up
};

class Server final : private LinkInputs, private Clients, private Backend, private ClientSessions {
 public:
  // Takes the data directory, the database and both ports, or says in one sentence which of them it could not get.
  static Result<std::unique_ptr<Server>> create(ServerOptions options);
  ~Server() override;

  // Serves until stop(). Everything that was acknowledged is safe when it returns, and whatever was accepted before
  // the stop is acknowledged, as far as disk and peers allow it within stop_deadline.
  void run();
  void stop();             // from the thread of run()
  void request_stop();     // from any thread
  void stop_on_signals();  // SIGINT, SIGTERM and SIGHUP; a second one ends the process at once
  // Why run() returned: a late name resolves now, and nobody else wanted an end. Start again with it.
  [[nodiscard]] bool knows_more() const noexcept { return knows_more_; }

  [[nodiscard]] const Address& listen_address() const noexcept { return config().listen; }
  [[nodiscard]] const Address& api_address() const noexcept { return api_address_; }
  [[nodiscard]] std::string api_url() const;
  [[nodiscard]] const std::string& data_dir() const noexcept { return options_.data_dir; }
  [[nodiscard]] const NodeId& node_id() const noexcept { return key_->id(); }
  [[nodiscard]] const Config& config() const noexcept { return options_.config; }

 private:
  explicit Server(ServerOptions options);
  Status open();
  Status claim_database();
  Status open_ports(std::optional<tcp::acceptor>& links, std::optional<tcp::acceptor>& api);
  void start_node();

  // Runs one input: clocks stand still, then what it caused goes out.
  template <class Input>
  void input(Input&& input);
  void after_input();
  void watch_store();
  void disk_fails(const std::string& reason, bool lasting);
  void drop_own_addresses();
  ServerView view();
  std::vector<WayIn> ways_in() const;
  void watch_bind();
  void give_up_old();
  void on_port_mapped(const std::optional<Address>& external, const std::string& who);
  Result<std::uint64_t> execute(const std::vector<std::string>& words);
  void finish_stop();
  void await_signal(int count);

  // LinkInputs
  void on_link_up(const LinkInfo& info) override;
  void on_frame(LinkId link, const Frame& frame, Traffic traffic) override;
  void on_writable(LinkId link) override;
  void on_link_down(LinkId link, CloseReason reason) override;
  void on_carry(LinkId tunnel, const Frame& record, Traffic traffic) override;
  void on_link_rejected(const Address& remote, const Error& why) override;
  void on_unreachable(const Address& to, CloseReason reason) override;
  // Clients
  void published(RequestId request, const Status& outcome) override;
  void tell(SessionId session, std::string_view text) override;
  std::size_t untold_bytes(SessionId session) const noexcept override;
  void hang_up(SessionId session, std::string_view reason) override;
  // ClientSessions
  std::optional<SessionId> open_session(const ClientOrigin& origin, SessionOutput& output) override;
  void session_text(SessionId session, std::string_view text) override;
  void session_writable(SessionId session) override;
  void session_closed(SessionId session) override;
  void message_refused(const Address& from, const Error& why) override { refused(from, "client message", why); }
  // Backend
  asio::awaitable<Status> publish(WrittenEvent event, const Visitor& by) override;
  Access& access() override;
  std::string relay_document(bool open) override;
  QueryAnswer query(const Filter& filter) override;
  void refused(const Address& from, std::string_view what, const Error& why) override;
  std::string status_json() override;
  std::string metrics_text() override;
  Status health() override;

  asio::io_context io_{1};  // first: what waits in it is destroyed last
  ServerOptions options_;
  Address api_address_;
  RealClock clock_;
  KernelEntropy entropy_;
  SecpVerifier verifier_;
  RealObserver observer_;
  std::unique_ptr<DataDir> data_dir_;
  std::unique_ptr<SecpNodeKey> key_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<Links> links_;
  std::unique_ptr<PortMapping> port_mapping_;
  MappingView mapping_;
  std::unique_ptr<RealTimers> timers_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<Committer> committer_;
  StaticFiles files_;
  std::unique_ptr<RestApi> api_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<Control> control_;
  asio::signal_set signals_;
  asio::steady_timer stop_deadline_;
  asio::steady_timer bind_watch_;  // once a day
  asio::steady_timer upkeep_;      // once an hour, and at once while there is more to do
  JoinLog join_log_;
  std::unique_ptr<LateNames> late_names_;
  std::unique_ptr<CertificateWatch> certificate_watch_;  // with -s
  Watchdog watchdog_;

  struct Waiting {
    std::optional<Status> outcome;
    asio::steady_timer wake;
    explicit Waiting(asio::io_context& io) : wake(io) {}
  };
  std::map<RequestId, std::shared_ptr<Waiting>> waiting_;  // publishes whose client waits
  std::uint64_t last_request_ = 0;
  struct Client {
    SessionOutput* output;
    Address address;
  };
  std::map<SessionId, Client> sessions_;
  std::uint64_t last_session_ = 0;
  MonoTime started_;
  bool stopping_ = false;
  bool knows_more_ = false;
  bool in_input_ = false;
  bool said_damaged_ = false;
  std::uint64_t said_rotten_ = 0;
};

}  // namespace np2p::real
