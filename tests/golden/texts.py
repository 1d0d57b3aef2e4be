"""The documents that are text files: minutes, a thread of e-mails, a saved web page, a list of questions, subtitles."""

from __future__ import annotations

MINUTES = """\
HOLLIN VALLEY ALLOTMENT SOCIETY
Minutes of the Committee Meeting

Date: 12 March 2024
Time: 19:00 to 20:35
Place: Reading room, Hollin village hall

Present: Grace Pell (chair), Owen Marsh (treasurer), Ida Kerr
  (secretary), Samir Nadeem, Joan Tully
Apologies: Peter Vane

1. Minutes of the last meeting

The minutes of 13 February were read and approved with one correction:
the new hose cost 64 pounds, not 46 pounds.

2. Treasurer's report

Owen Marsh said that the society holds 3,412 pounds, of which 900 pounds
are kept for the repair of the pump. Seven plot holders have not paid
their rent for this year. A letter will go to each of them.

3. Water

The pump at the lower gate has failed twice since January. Samir Nadeem
showed two offers:

- Brook & Sons: 780 pounds, with a guarantee of two years
- Tarn Pumps: 655 pounds, without a guarantee

The committee discussed whether a rain tank would do instead. Ida Kerr
pointed out that the tank needs a permit from the council.

4. Open day

The open day will be held on Saturday 8 June, from 10:00 to 16:00.

DECISIONS

D1. The offer of Brook & Sons is accepted.
D2. The rent of a full plot rises from 42 to 45 pounds on 1 October.
D3. Dogs must be on a lead between April and September.

ACTION ITEMS

Who             What                                        By
Owen Marsh      Order the pump from Brook & Sons            20 March
Ida Kerr        Write to the seven plot holders             31 March
Samir Nadeem    Ask the council about a permit              15 April
Joan Tully      Find helpers for the open day               next meeting

Next meeting: 9 April 2024, 19:00, same place

Signed: Ida Kerr, secretary
"""

THREAD = """\
From: Lena Orth <lena@kestrel-rowing.example>
To: Marcus Bale <marcus@kestrel-rowing.example>
Cc: Priya Dunn <priya@kestrel-rowing.example>
Subject: Re: Re: Boat house roof
Date: Thu, 16 May 2024 08:42:00 +0100
Message-ID: <4@kestrel-rowing.example>
MIME-Version: 1.0
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: 8bit

Dear both,

the roofers can begin on Monday 3 June and need four dry days. Please
move the two eights to the lower rack before then.

The final price is 6,150 pounds. It includes:

 * new felt on the north side
 * two roof windows
 * the removal of the old gutters

Priya, could you pay the deposit of 1,500 pounds this week?

Best wishes,
Lena

--
Lena Orth
Boat house manager, Kestrel Rowing Club
Tel. 01632 960 114

On Wed, 15 May 2024 at 17:05, Marcus Bale <marcus@kestrel-rowing.example> wrote:

> Lena,
>
> I have spoken to both firms. Ridgeway asks for 6,150 pounds and can come
> in June; Slate & Son asks for 5,700 pounds but has no time before
> September. I would take Ridgeway, since the eights must not stand under a
> leaking roof all summer.
>
> > Do we need the permission of the council for the roof windows?
>
> No. I asked them, and windows of less than one square metre are free.
>
> Marcus
>
> On Mon, 13 May 2024 at 09:30, Lena Orth <lena@kestrel-rowing.example> wrote:
>
>> Hello Marcus,
>>
>> the roof leaks in three places since the storm of last week. Could you
>> get offers from two firms?
>>
>> Do we need the permission of the council for the roof windows?
>>
>> Lena
>>
>> -----Original Message-----
>> From: Tom Askew <tom@kestrel-rowing.example>
>> Sent: 12 May 2024 21:14
>> To: Lena Orth <lena@kestrel-rowing.example>
>> Subject: Boat house roof
>>
>> Lena, I was in the boat house this evening and stood in a puddle. Water
>> comes in above the oar rack and at both ends of the upper deck. I put
>> buckets there.
>>
>> Tom
"""

PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<title>How to look after a sourdough starter - Crumb &amp; Crust</title>
<meta property="og:title" content="How to look after a sourdough starter">
<meta name="author" content="Hanna Reed">
<meta property="article:published_time" content="2023-11-04T09:00:00+00:00">
<script>window.dataLayer = window.dataLayer || [];</script>
<style>nav { display: flex }</style></head>
<body>
<div id="cookie-banner" role="dialog" aria-label="Cookies"><p>We and our 34 partners use cookies to show you
adverts.</p><button>Accept all</button><button>Settings</button></div>
<header><a href="/"><img src="logo_files/logo.png" alt="Crumb &amp; Crust"></a>
<nav aria-label="Main"><ul><li><a href="/bread">Bread</a></li><li><a href="/cakes">Cakes</a></li>
<li><a href="/flour">Flour guide</a></li><li><a href="/shop">Shop</a></li></ul></nav></header>
<nav class="breadcrumb"><a href="/">Home</a> &rsaquo; <a href="/bread">Bread</a> &rsaquo; Starters</nav>
<main><article>
<h1>How to look after a sourdough starter</h1>
<p class="byline">By Hanna Reed, 4 November 2023 &middot; 4 min read</p>
<p>A starter is flour and water in which wild yeast and bacteria live. Fed well, it lasts for decades; left alone for a
month in a warm kitchen, it is gone. This page says how often to feed it, and what to do when something is wrong.</p>
<h2>Feeding</h2>
<p>A starter that stands in the kitchen is fed <strong>once a day</strong>, one in the refrigerator once a week.</p>
<ol><li>Throw away all but 50 g of the starter.</li><li>Stir in 50 g of water at 25&nbsp;&deg;C.</li>
<li>Stir in 50 g of flour:<ul><li>rye flour in winter</li><li>wheat flour in summer</li></ul></li>
<li>Cover the jar, but do not close it.</li></ol>
<figure><img src="starter_files/jar.jpg" alt="A jar with a rubber band"><figcaption>The rubber band shows how far the
starter has risen.</figcaption></figure>
<h2>Words that bakers use</h2>
<dl><dt>Discard</dt><dd>The part of the starter that is taken away before a feed.</dd>
<dt>Hooch</dt><dd>The grey liquid on top of a hungry starter. It smells of spirits and does no harm.</dd>
<dt>Float test</dt><dd>A spoonful that floats in water is ready to bake with.</dd></dl>
<h2>How long it keeps</h2>
<table><caption>Days between two feeds</caption><thead><tr><th>Place</th><th>Temperature</th><th>Rye</th><th>Wheat</th>
</tr></thead><tbody><tr><td>Kitchen</td><td>22 &deg;C</td><td>1</td><td>1</td></tr>
<tr><td>Cellar</td><td>12 &deg;C</td><td>3</td><td>2</td></tr>
<tr><td>Refrigerator</td><td>5 &deg;C</td><td>10</td><td>7</td></tr></tbody></table>
<h2>What if it turns pink?</h2>
<p>Then throw it away. Pink or orange streaks come from bacteria that make people ill, and no feeding brings such a
starter back.</p>
</article>
<aside><h3>Related recipes</h3><ul><li><a href="/rye">Rye loaf for beginners</a></li>
<li><a href="/rolls">Potato rolls</a></li></ul></aside></main>
<section class="newsletter"><h3>Never miss a recipe</h3><form><input type="email" placeholder="Your address">
<button>Subscribe</button></form></section>
<footer><p>&copy; 2023 Crumb &amp; Crust Ltd. <a href="/privacy">Privacy</a> <a href="/terms">Terms</a></p></footer>
</body></html>
"""

QUESTIONS = """\
---
title: Questions about the tool library
author: Ruth Amsel
date: 2024-02-20
tags: [tools, lending]
---

# Questions about the tool library

Everyone who lives in Norwick may borrow tools. This page answers what we are asked most.

## How do I become a member?

Come to the shop with a passport and a letter that shows your address. Membership costs **15 euros** a year.

## What can I borrow?

- Hand tools
  - saws and planes
  - spanners, in two sets:
    - metric, from 6 to 32 mm
    - imperial, from 1/4 to 1 inch
- Power tools
  - drills
  - sanders
- Ladders of up to 5 metres

## How do I reserve a tool?

1. Look for the tool in the catalogue.
2. Choose a day.
   You can reserve up to 30 days ahead.
3. Wait for our message:
   - *green* means that it is yours
   - *red* means that somebody was faster

Members who like a terminal can ask our server:

```sh
# what is free on Saturday
curl https://tools.norwick.example/free?day=saturday

- this line is no item
```

## What does it cost when I am late?

| Tool         | First day | Each further day |
|--------------|----------:|-----------------:|
| Hand tool    |    0.50 € |           0.20 € |
| Power tool   |    2.00 € |           1.00 € |
| Ladder       |    1.50 € |           0.75 € |

> Nobody pays more than 25 euros for one tool.

### What if I break it?

**Q: Do I pay for wear?**
A: No. Blades and sandpaper are ours.

**Q: Do I pay for a broken motor?**
A: Half of the repair, at most 60 euros.
"""

SUBTITLES = """\
1
00:00:01,200 --> 00:00:03,900
[wind, gulls]

2
00:00:04,000 --> 00:00:07,400
NARRATOR: The island of Stenna has
eleven people and one shop.

3
00:00:07,500 --> 00:00:10,800
Every Tuesday the boat brings
flour, letters and petrol.

4
00:00:12,000 --> 00:00:14,600
BRITA: I have kept the shop
since 1986.

5
00:00:14,700 --> 00:00:18,200
My mother kept it before me,
and her aunt before her.

6
00:00:18,400 --> 00:00:20,100
- How many customers come?
- In winter, six.

7
00:00:20,300 --> 00:00:22,000
- And in summer?
- Too many to count.

8
00:00:31,000 --> 00:00:34,500
NARRATOR: In 2019 the council wanted
to close the harbour

9
00:00:34,600 --> 00:00:37,300
because the repair of the pier
would have cost <i>two million</i> crowns.

10
00:00:38,000 --> 00:00:41,700
ARVID: So we built it ourselves.
It took three summers.

11
00:00:41,900 --> 00:00:43,000
(laughs)

12
00:00:43,100 --> 00:00:45,900
My back still knows
every single stone.

13
01:00:02,000 --> 01:00:05,000
NARRATOR: The new pier was opened
on 14 August 2022.

14
01:00:05,500 --> 01:00:08,000
Subtitles by Nordlys Film
"""
