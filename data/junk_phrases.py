"""Whole lines that web pages, agencies and transcripts print around articles, by reason."""

from __future__ import annotations

PHRASES: dict[str, str] = {
    "advert": """ad|ads|advert|advertisement|advertisements|advertising|sponsored|sponsored content
        |sponsored links|promoted|promoted content|partner content|paid content|paid post
        |story continues below|story continues below advertisement|article continues below
        |article continues after this advertisement|article continues after advertisement
        |continue reading below|continue reading the main story|continue reading|skip advertisement
        |skip past newsletter promotion|after newsletter promotion|remove ads|hide ads|report ad
        |report this ad|you may also like|you might also like|from around the web|around the web
        |recommended by outbrain|taboola""",
    "navigation": """home|homepage|menu|search|close|news|world|opinion|sport|sports|business
        |politics|video|videos|photos|pictures|gallery|podcasts|live|live updates|latest
        |latest news|breaking news|top stories|top news|world news|editorial|analysis|comment
        |feature|features|exclusive|transcript|skip to content|skip to main content
        |skip to navigation|jump to content|back to top|back to home|go to top|top of page
        |most read|most popular|most viewed|most shared|most commented|trending|trending now
        |popular|editor's picks|editors' picks|related|related articles|related article
        |related stories|related story|related content|related topics|related news|related posts
        |more on this story|more stories|more news|more from this section|more on this topic
        |recommended|recommended for you|recommended stories|what to read next|up next
        |previous article|next article|previous story|next story|previous|next|load more
        |show more|show less|see more|view more|view all|see all|read more|read full story
        |read the full story|full story|click here|click to expand|tap to expand|expand
        |comments|comment now|leave a comment|leave a reply|post a comment|add a comment
        |view comments|show comments|join the conversation|contact|contact us|about|about us
        |careers|help|faq|sitemap|site map|site index|login|log in|sign in|my account
        |next post|previous post|older posts|newer posts|older|newer|related posts|you missed
        |leave a reply|reply|cancel reply|post comment|write a comment|be the first to comment
        |no comments|no comments yet|loading|please wait|conversation|conversations
        |join the discussion|sort by|newest|oldest|best|filter|filters|archives|archive
        |recent posts|recent comments|featured|featured news|headlines|more headlines|in brief
        |world news|local news|national|international|africa|asia|europe|americas|middle east
        |metro|culture|health|science|technology|tech|lifestyle|entertainment|travel|money
        |economy|markets|environment|climate|education|obituaries|weather forecast|crossword
        |special reports|special report|investigations|in depth|in-depth|interview|interviews
        |profile|explainer|fact check|quiz|slideshow|infographics|media|multimedia|audio
        |zoom in|enlarge|enlarge image|open image in gallery|view gallery|play|pause|mute|unmute
        |fullscreen|full screen|replay|volume|settings|captions|skip ad|skip|back|continue
        |toggle navigation|toggle menu|main menu|open menu|close menu|site search|search for
        |advanced search|language|english|русский|español|français|arabic|العربية|subscribe to rss
        |in this article|in this story|table of contents|contents|key events|key points|pinned
        |newest first|oldest first|topics|tags|categories|print edition|e-paper|weather
        |play video|watch live|listen live|now playing|keep reading""",
    "share": """like this|share this post|share this page|share this on|spread the word|post views
        |shares|views|likes|share via|share with|sharing is caring|copy|copied to clipboard
        |add to favourites|add to favorites|save for later|save article|pdf|send|via email
        |share|share this|share this article|share this story|share article|share story
        |share save|save|saved|bookmark|copy link|copy url|link copied|copied|print|print this page
        |email|e-mail|tweet|retweet|facebook|twitter|x|whatsapp|telegram|linkedin|reddit|pinterest
        |instagram|youtube|messenger|flipboard|rss|follow|following|like|reply|repost|quote
        |follow us|email this article|send to a friend|gift this article|show this thread
        |translate post|translate tweet|view on x|view on twitter|quote tweet|view this post
        |text size|listen to article|listen to this article|font size""",
    "subscription": """subscribe|subscribe now|subscribe today|sign up|sign up now|sign up here
        |register|register now|register for free|join now|unsubscribe|newsletter|newsletters
        |get the newsletter|already a subscriber|already a member|not a subscriber|donate
        |donate now|support us|become a member|start your free trial|subscribers only
        |for subscribers only|premium|view this email in your browser|view in browser
        |download our app|get the app|download the app|subscribe to our newsletter
        |sign up for our newsletter|join our newsletter|stay informed|stay connected
        |stay up to date|get notified|turn on notifications|allow notifications|no thanks
        |not now|maybe later|e-mail address|email address|your email|your e-mail|submit
        |continue with google|continue with facebook|forgot password|create account
        |create a free account|create free account|subscribe to continue|log in to continue
        |subscribe to continue reading|free trial|special offer|limited time offer""",
    "consent": """accept|accept all|accept cookies|accept all cookies|accept and close|agree
        |i agree|i accept|reject|reject all|reject cookies|decline|got it|allow all|allow cookies
        |manage preferences|manage cookies|manage consent|manage settings|manage options
        |cookie settings|cookie preferences|cookie policy|cookie notice|cookies|privacy
        |privacy policy|privacy notice|privacy settings|terms|terms of use|terms of service
        |terms and conditions|terms & conditions|your privacy|your privacy choices|learn more
        |do not sell my personal information|legal notice|disclaimer""",
    "rights": """all rights reserved|copyright|reprints|reprints and permissions
        |rights and permissions""",
    "wire mark": """urgent|bulletin|flash|ends|end|nnnn|more to follow|more follows|for immediate
        release|for immediate release|embargoed|end of transcript|crosstalk|inaudible|applause
        |end transcript|page break|confidential|restricted|unclassified|to be continued""",
}
