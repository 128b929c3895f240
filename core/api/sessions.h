// All clients on WebSockets: what each says is answered as NIP-01 wants it, what is new goes to whoever has subscribed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/api/access.h"
#include "core/api/publisher.h"
#include "core/api/reader.h"
#include "core/api/session.h"
#include "core/base/config.h"
#include "core/event/client_message.h"
#include "core/host/host.h"

namespace np2p {

class Sessions {
 public:
  Sessions(const Config& config, Host& host, Access& access, Publisher& publisher, Reader& reader)
      : config_(config), host_(host), access_(access), publisher_(publisher), reader_(reader) {}

  // False: there are too many; the front closes it.
  bool open(SessionId id, ClientOrigin origin);
  void text(SessionId id, std::string_view text);
  void writable(SessionId id);
  void closed(SessionId id);
  void arrived(const EventPtr& event);  // it is in the store, or never will be

  [[nodiscard]] bool empty() const noexcept { return sessions_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return sessions_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  void event(Session& session, EventMessage message);
  void proof(Session& session, EventMessage message);
  void ask(Session& session, AskMessage message);
  void reconcile(Session& session, ReconcileMessage message);
  Status open_set(Session& session, const ReconcileMessage& message);
  void answer(SessionId id, const std::string& event, const Publisher::Outcome& outcome, bool heard);
  void refuse(Session& session, const std::string& event, const Error& why);
  void refuse_subscription(Session& session, const std::string& subscription, const Error& why);
  void ask_who_it_is(Session& session, const Error& why);
  void forget_ended(SessionId id);

  const Config& config_;
  Host& host_;
  Access& access_;
  Publisher& publisher_;
  Reader& reader_;
  std::map<SessionId, std::unique_ptr<Session>> sessions_;
};

}  // namespace np2p
