// Boost.Asio as this folder uses it: coroutines and TCP. Included first (it is the precompiled header): the coroutine
// headers of Boost 1.74 use std::exchange without including <utility>.
#pragma once

#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace np2p::real {

namespace asio = boost::asio;
using boost::asio::ip::tcp;
using SocketError = boost::system::error_code;

}  // namespace np2p::real
