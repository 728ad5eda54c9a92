// The peer "centrifuge" of bench-gateway: server-side subscriptions, node.Publish, commands on stdin as in
// gateway_floor.c; besides `pace RATE SECONDS PADDED` -> `paced COUNT`, and `fill COUNT PADDED` -> `filled`.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge"
	"golang.org/x/sys/unix"
)

const (
	pending    = 10
	everyone   = 999999
	padding    = 4_000
	filling    = 32_000
	tick       = time.Millisecond
	everything = "everyone"
)

type message struct {
	channel string
	data    []byte
}

type server struct {
	node     *centrifuge.Node
	channels []string
	item     template
	number   int
	batches  [][]message
}

// An item with places for its number, user and stamp; filling them in must cost next to nothing.
type template struct {
	text   string
	places map[string][]int
}

var marks = [3]string{"NNNNNNNNNN", "UUUUUU", "SSSSSSSSSSSSSSSS"}

func parse(text string) template {
	places := map[string][]int{}
	for _, mark := range marks {
		for at := strings.Index(text, mark); at >= 0; {
			places[mark] = append(places[mark], at)
			next := strings.Index(text[at+1:], mark)
			if at += next + 1; next < 0 {
				break
			}
		}
	}
	return template{text, places}
}

func (t *template) build(values ...int) []byte {
	data := []byte(t.text)
	for index, mark := range marks {
		for _, place := range t.places[mark] {
			for at, rest := place+len(mark)-1, values[index]; at >= place; at, rest = at-1, rest/10 {
				data[at] = byte('0' + rest%10)
			}
		}
	}
	return data
}

func (s *server) prepare(kind string, count int) {
	s.batches = nil
	for ; count > 0; count-- {
		var batch []message
		each := 1
		if kind == "coalesced" {
			each = pending
		}
		for ; each > 0; each-- {
			if kind == "broadcast" {
				batch = append(batch, message{everything, s.item.build(s.number, everyone, 0)})
			} else {
				for user, channel := range s.channels {
					batch = append(batch, message{channel, s.item.build(s.number, user, 0)})
				}
			}
			s.number++
		}
		s.batches = append(s.batches, batch)
	}
}

func (s *server) publish(channel string, data []byte) {
	if _, err := s.node.Publish(channel, data); err != nil {
		log.Fatal(err)
	}
}

func (s *server) send() {
	batch := s.batches[0]
	s.batches = s.batches[1:]
	for _, each := range batch {
		s.publish(each.channel, each.data)
	}
}

// An open loop: what is due is published at once, with the time at which it was due. The first `padded` users' are long.
func (s *server) pace(rate, seconds, padded int) int {
	long := paddedItem(s.item, padding)
	total, begun, from := rate*seconds/len(s.channels)*len(s.channels), time.Now(), monotonic()
	for sent := 0; sent < total; {
		elapsed := time.Since(begun).Truncate(tick)
		stamp := from + int(elapsed.Microseconds())
		for due := min(total, int(elapsed/tick)*rate/1000); sent < due; sent++ {
			user, item := sent%len(s.channels), &s.item
			if user < padded {
				item = &long
			}
			s.publish(s.channels[user], item.build(s.number+sent/len(s.channels), user, stamp))
		}
		time.Sleep(tick - time.Since(begun)%tick)
	}
	s.number += total / len(s.channels)
	return total
}

func (s *server) fill(count, users int) {
	long := paddedItem(s.item, filling)
	for ; count > 0; count-- {
		for user := range users {
			s.publish(s.channels[user], long.build(s.number, user, 0))
		}
		s.number++
		time.Sleep(tick)
	}
}

// Longer by so many letters in its last text.
func paddedItem(item template, by int) template {
	return parse(strings.TrimSuffix(item.text, `"}}`) + strings.Repeat("x", by) + `"}}`)
}

func monotonic() int {
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &at); err != nil {
		log.Fatal(err)
	}
	return int(at.Nano() / 1000)
}

func main() {
	node, err := centrifuge.New(centrifuge.Config{LogLevel: centrifuge.LogLevelNone})
	if err != nil {
		log.Fatal(err)
	}
	node.OnConnecting(func(_ context.Context, event centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:   &centrifuge.Credentials{UserID: event.Token},
			Subscriptions: map[string]centrifuge.SubscribeOptions{everything: {}, "user:" + event.Token: {}},
		}, nil
	})
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	sockets, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	s := &server{node: node, item: parse(os.Args[3])}
	for user := range sockets {
		s.channels = append(s.channels, fmt.Sprintf("user:user-%d", user))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		log.Fatal(http.Serve(listener, centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{})))
	}()
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var kind string
		var count, seconds, padded int
		line := lines.Text()
		if n, _ := fmt.Sscanf(line, "prepare %s %d", &kind, &count); n == 2 {
			s.prepare(kind, count)
			fmt.Println("prepared")
		} else if n, _ := fmt.Sscanf(line, "pace %d %d %d", &count, &seconds, &padded); n == 3 {
			fmt.Println("paced", s.pace(count, seconds, padded))
		} else if n, _ := fmt.Sscanf(line, "fill %d %d", &count, &padded); n == 2 {
			s.fill(count, padded)
			fmt.Println("filled")
		} else if line == "go" {
			s.send()
		}
	}
}
